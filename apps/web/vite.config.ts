import { defineConfig } from "vitest/config";

export default defineConfig({
  // The folder works wherever it is served from.
  base: "./",
  build: { target: "es2022", sourcemap: false },
  // LiteRT.js loads its WebAssembly with importScripts, which module workers do not have.
  worker: { format: "iife" },
  test: { include: ["tests/**/*.test.ts"], environment: "node", testTimeout: 60_000 },
});
