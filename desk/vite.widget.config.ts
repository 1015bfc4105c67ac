import { defineConfig } from "vite";

// One classic script for other people's pages: everything in one file, and nothing but Lit's marks left in their window.
export default defineConfig({
  build: {
    outDir: "dist",
    emptyOutDir: false, // the desk was built there just before
    target: "es2022",
    lib: { entry: "src/widget/main.ts", formats: ["iife"], name: "throughlineChat", fileName: () => "widget.js" },
  },
});
