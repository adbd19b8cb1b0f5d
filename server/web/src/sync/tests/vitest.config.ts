import { defineConfig } from "vitest/config";

// Run by tests/interop/client, which starts the server and tells where it is. One file at a time: a restore of the
// database is everybody's.
export default defineConfig({
  envPrefix: "PATROL_",
  test: {
    include: ["src/{sync,photos}/tests/*.real.ts"],
    // Watching needs a platform with an IndexedDB of its own, before anything is loaded; tabs are given theirs.
    setupFiles: ["fake-indexeddb/auto"],
    fileParallelism: false,
    testTimeout: 60_000,
  },
});
