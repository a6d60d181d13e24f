// Whether this browser can run the models at all.

// The smallest WebAssembly module with an instruction of SIMD.
const SIMD = Uint8Array.of(
  0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 10, 1, 8, 0, 65, 0, 253, 15,
  253, 98, 11,
);

/** Returns one line that says what is missing, or "" where nothing is. */
export function whatIsMissing(): string {
  if (typeof WebAssembly !== "object") return lacks("WebAssembly");
  if (!WebAssembly.validate(SIMD)) return lacks("WebAssembly with SIMD");
  if (typeof Worker !== "function") return lacks("workers");
  return "";
}

// The smallest module with an instruction of relaxed SIMD.
const RELAXED_SIMD = Uint8Array.of(
  0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 15, 1, 13, 0, 65, 1, 253, 15,
  65, 2, 253, 15, 253, 128, 2, 11,
);

/** Returns which build of LiteRT.js runs here, by the rule of the worker and of LiteRT.js. */
export async function runtimeBuild(): Promise<"internal" | "compat_internal" | "jspi_internal"> {
  if (!WebAssembly.validate(RELAXED_SIMD)) return "compat_internal";
  if (!("gpu" in navigator) || !("Suspending" in WebAssembly)) return "internal";
  const adapter = await navigator.gpu.requestAdapter().catch(() => null);
  const info = adapter?.info as { isFallbackAdapter?: boolean } | undefined;
  return adapter && !info?.isFallbackAdapter ? "jspi_internal" : "internal";
}

function lacks(what: string): string {
  return (
    `This browser cannot run the models: it has no ${what}, or it is switched off. ` +
    "Chrome and Edge can since version 91, Firefox since 89, Safari since 16.4."
  );
}
