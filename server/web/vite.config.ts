import { defineConfig } from "vitest/config";

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
        missing: "missing.html",
        calendar: "calendar.html",
        catalogue: "catalogue.html",
        rules: "rules.html",
        case: "case.html",
        desk: "desk.html",
        duty: "duty.html",
        support: "support.html",
        review: "review.html",
        grids: "grids.html",
        people: "people.html",
        account: "account.html",
      },
    },
  },
  worker: { format: "es" },
  // A test is wrong or right, however slow the machine: they run beside browsers and databases.
  test: { testTimeout: 120_000, hookTimeout: 120_000 },
});
