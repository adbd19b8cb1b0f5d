import { VitePWA } from "vite-plugin-pwa";
import { defineConfig } from "vitest/config";
import { reachedFrom } from "./build/reached.js";

const patrol = reachedFrom("patrol.html");

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
        patrol: "patrol.html",
      },
    },
  },
  worker: { format: "es" },
  plugins: [
    patrol.plugin,
    // The patrol app alone works without a network. Its page is registered by hand, its manifest lies in public/.
    VitePWA({
      strategies: "injectManifest",
      srcDir: "src/patrol",
      filename: "patrol-worker.ts",
      injectRegister: false,
      manifest: false,
      includeManifestIcons: false,
      injectManifest: {
        rollupFormat: "iife",
        globPatterns: ["patrol.html", "patrol.webmanifest", "patrol-*.png", "assets/**"],
        globIgnores: ["**/*.gz"],
        maximumFileSizeToCacheInBytes: 4_000_000,
        dontCacheBustURLsMatching: /^assets\//,
        manifestTransforms: [
          (entries) => ({
            manifest: entries
              .filter(({ url }) => !url.startsWith("assets/") || patrol.files.has(url))
              .map((entry) => ({ ...entry, url: entry.url === "patrol.html" ? "/patrol" : `/${entry.url}` })),
            warnings: [],
          }),
        ],
      },
    }),
  ],
  // A test is wrong or right, however slow the machine: they run beside browsers and databases.
  test: { testTimeout: 120_000, hookTimeout: 120_000 },
});
