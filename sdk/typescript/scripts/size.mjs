// How many bytes an app pays: each part minified by esbuild and compressed by brotli. What is loaded
// only when something is watched stands in a line of its own.
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliCompressSync } from "node:zlib";
import { build } from "esbuild";

const SOURCE = join(dirname(fileURLToPath(import.meta.url)), "../src");

/**
 * Bytes at first and bytes loaded later of a program that uses all of some entries.
 * @param {string[]} entries
 * @returns {Promise<{ first: number, later: number }>}
 */
export async function size(entries) {
  const contents = entries.map((entry) => `export * from "./${entry}.ts";`).join("\n");
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: SOURCE, loader: "ts" },
    bundle: true,
    splitting: true,
    minify: true,
    write: false,
    format: "esm",
    target: "es2022",
    external: ["react"],
    outdir: "out",
    metafile: true,
  });
  const bytes = (/** @type {{ contents: Uint8Array }} */ file) => brotliCompressSync(file.contents).length;
  const late = outputFiles.filter((file) => /feed-/.test(file.path));
  const sum = (/** @type {typeof outputFiles} */ files) => files.reduce((all, file) => all + bytes(file), 0);
  return { first: sum(outputFiles.filter((file) => !late.includes(file))), later: sum(late) };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const entries of [["index"], ["index", "react"], ["index", "react", "device"], ["tanstack"]]) {
    const { first, later } = await size(entries);
    console.log(`${entries.join(" + ").padEnd(26)} ${String(first).padStart(6)} B, the feed ${later} B`);
  }
}
