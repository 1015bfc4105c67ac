import { defineConfig } from "vite";

/** What is indented in the source is so in templates and styles, too, where nobody needs it. */
const withoutIndentation = {
  name: "without-indentation",
  transform: (code: string, file: string) => (file.includes("/src/") ? { code: code.replace(/^ +/gm, ""), map: null } : null),
};

// One classic script for other people's pages: everything in one file, and nothing but Lit's marks left in their window.
export default defineConfig({
  plugins: [withoutIndentation],
  build: {
    outDir: "dist",
    emptyOutDir: false, // the desk was built there just before
    target: "es2022",
    lib: { entry: "src/widget/main.ts", formats: ["iife"], name: "throughlineChat", fileName: () => "widget.js" },
  },
});
