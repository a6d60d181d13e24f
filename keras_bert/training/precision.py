"""Which number format to train in, chosen for the machine."""

import keras


def resolve(precision="auto"):
    """Returns the name of a Keras dtype policy.

    "auto" is mixed_bfloat16 where the hardware multiplies bfloat16 (a CPU with AMX or
    AVX512-BF16, a GPU of compute capability 8 or more), mixed_float16 on older GPUs with tensor
    cores (7.x), else float32.

    Args:
        precision: "auto" or the name of a policy.
    """
    if precision != "auto":
        return precision
    capabilities = _gpu_capabilities()
    if capabilities:
        worst = min(capabilities)
        if worst >= (8, 0):
            return "mixed_bfloat16"
        return "mixed_float16" if worst >= (7, 0) else "float32"
    return "mixed_bfloat16" if {"amx_bf16", "avx512_bf16"} & _cpu_flags() else "float32"


def _cpu_flags():
    try:
        with open("/proc/cpuinfo", encoding="ascii", errors="replace") as file:
            for line in file:
                if line.startswith("flags"):
                    return set(line.split())
    except OSError:
        pass  # not Linux: no cheap way to know, float32 is right everywhere
    return set()


def _gpu_capabilities():
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        devices = tf.config.list_physical_devices("GPU")
        details = [tf.config.experimental.get_device_details(device) for device in devices]
        return [tuple(d.get("compute_capability") or (0, 0)) for d in details]
    if keras.backend.backend() == "jax":
        import jax

        devices = [device for device in jax.devices() if device.platform == "gpu"]
        return [tuple(map(int, str(d.compute_capability).split("."))) for d in devices]
    return []
