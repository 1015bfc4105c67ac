import { defineConfig } from "vitest/config";

// Addresses are relative, so that the same files work under /desk/ of the local stack and at the root of a distribution.
export default defineConfig({
  base: "./",
  build: {
    outDir: "dist",
    target: "es2022",
    assetsInlineLimit: 0, // nothing inline: the content security policy allows no data: address
    modulePreload: { polyfill: false },
    reportCompressedSize: true,
  },
  test: { environment: "node", include: ["tests/**/*.test.ts"] },
});
