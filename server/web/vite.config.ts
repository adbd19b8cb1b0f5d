import { defineConfig } from "vite";

// The pages are served by the Flask process under its own strict content policy: every asset is a
// file of its own (nothing inlined), hashed, below /assets/.
export default defineConfig({
  base: "/",
  build: {
    outDir: "dist",
    target: "es2022",
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 2_000,
    rollupOptions: {
      input: {
        index: "index.html",
        map: "map.html",
        signin: "signin.html",
        docs: "docs.html",
        support: "support.html",
        review: "review.html",
        grids: "grids.html",
      },
    },
  },
  worker: { format: "es" },
});
