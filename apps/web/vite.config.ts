import { VitePWA } from "vite-plugin-pwa";
import { defineConfig } from "vitest/config";

// What the page needs without a network. Of LiteRT.js that is the plain build; the others, for
// WebGPU and for browsers without SIMD, are kept by who uses them.
const KEPT = "**/*.{html,js,css,svg,png,json,wasm,tflite}";
const NOT_KEPT = ["litert/*compat*", "litert/*jspi*"];

const manifest = {
  id: "./",
  name: "keras-bert: ask, classify, tag",
  short_name: "keras-bert",
  description: "Asks, classifies and tags texts with small BERT models, on this device.",
  start_url: "./",
  scope: "./",
  display: "standalone" as const,
  background_color: "#f8f7f4",
  theme_color: "#0b6259",
  icons: [
    { src: "icon.svg", sizes: "any", type: "image/svg+xml" },
    { src: "icon-192.png", sizes: "192x192", type: "image/png" },
    { src: "icon-512.png", sizes: "512x512", type: "image/png" },
    { src: "icon-512-filled.png", sizes: "512x512", type: "image/png", purpose: "maskable" },
  ],
};

function encoded(url: string): string {
  return url.split("/").map(encodeURIComponent).join("/");
}

const pwa = VitePWA({
  filename: "service_worker.js",
  injectRegister: null, // src/page/offline.ts does
  registerType: "prompt", // a newer page is offered, never forced
  manifest,
  includeManifestIcons: false, // the pattern below has them
  workbox: {
    globPatterns: [KEPT],
    globIgnores: NOT_KEPT,
    // The addresses of models.json: what came for the page is not loaded a second time to be kept.
    manifestTransforms: [
      (entries) => ({
        manifest: entries.map((entry) =>
          entry.url.startsWith("models/") && entry.revision
            ? { ...entry, url: `${encoded(entry.url)}?v=${entry.revision.slice(0, 8)}`, revision: null }
            : entry,
        ),
      }),
    ],
    maximumFileSizeToCacheInBytes: 200e6,
    clientsClaim: true,
    cleanupOutdatedCaches: true,
    inlineWorkboxRuntime: true,
    sourcemap: false,
    runtimeCaching: [
      {
        urlPattern: ({ url, sameOrigin }) => sameOrigin && url.pathname.includes("/litert/"),
        handler: "NetworkFirst",
        options: { cacheName: "litert" },
      },
    ],
  },
});

export default defineConfig({
  // The folder works wherever it is served from.
  base: "./",
  build: { target: "es2022", sourcemap: false, modulePreload: { polyfill: false } },
  plugins: [pwa],
  // LiteRT.js loads its WebAssembly with importScripts, which module workers do not have.
  worker: { format: "iife" },
  test: { include: ["tests/**/*.test.ts"], environment: "node", testTimeout: 60_000 },
});
