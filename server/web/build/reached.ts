/**
 * Which of the built files one page can ever ask for: what its service worker keeps, and nothing of the other pages.
 *
 * Owns the walk over the graph that the bundler has built, lazy parts too.
 */
import type { OutputAsset, OutputBundle, OutputChunk } from "rolldown";
import type { Plugin } from "vite";

export interface Reached {
  readonly plugin: Plugin;
  /** Names as in the output folder, without a slash before them. Empty until the bundle is there. */
  readonly files: ReadonlySet<string>;
}

export function reachedFrom(page: string): Reached {
  const files = new Set<string>();
  return {
    files,
    plugin: {
      name: "reached",
      apply: "build",
      generateBundle: { order: "post", handler: (_options, bundle) => walk(bundle, page, files) },
    },
  };
}

function walk(bundle: OutputBundle, page: string, files: Set<string>): void {
  const parts = Object.values(bundle);
  const first = parts.find((part) => part.type === "chunk" && part.isEntry && part.facadeModuleId?.endsWith(`/${page}`));
  if (first === undefined) throw new Error(`${page} is not among what was built`);
  const waiting = [first.fileName];
  for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
    const part = bundle[name];
    if (files.has(name) || part === undefined) continue;
    files.add(name);
    if (part.type === "chunk") waiting.push(...askedBy(part, parts));
  }
}

/** What a chunk imports, now or later, its styles, and each asset whose name stands in its text. */
function askedBy(chunk: OutputChunk, parts: readonly (OutputAsset | OutputChunk)[]): string[] {
  const named = parts.filter((part) => part.type === "asset" && chunk.code.includes(part.fileName.split("/").at(-1) ?? ""));
  const styles = (chunk as OutputChunk & { viteMetadata?: { importedCss: Set<string> } }).viteMetadata?.importedCss ?? [];
  return [...chunk.imports, ...chunk.dynamicImports, ...styles, ...named.map((part) => part.fileName)];
}
