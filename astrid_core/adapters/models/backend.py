"""The few things that Keras does not do the same way on every back end."""

from collections.abc import Callable
from typing import Any

import keras

THREADS = 2
"""Fixed: the order of a sum depends on it."""


def make_repeatable() -> None:
    """Let the same numbers give the same sums on a CPU: fixed threads, and kernels without atomic additions."""
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf  # noqa: PLC0415 - only where it is the back end

        threads = tf.config.threading
        if threads.get_intra_op_parallelism_threads() != THREADS:
            threads.set_intra_op_parallelism_threads(THREADS)
            threads.set_inter_op_parallelism_threads(1)
        tf.config.experimental.enable_op_determinism()


def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function of arrays that only infers; compiled where the default back end is in use."""
    compute = function
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf  # noqa: PLC0415

        compute = tf.function(function, reduce_retracing=True)
    return lambda *arrays: compute(*(keras.ops.convert_to_tensor(one) for one in arrays))


def uses_xla() -> bool:
    """Tell whether XLA compiles the steps of training: on a CPU it is slower than TensorFlow's own kernels."""
    if keras.backend.backend() != "tensorflow":
        return str(keras.backend.backend()) == "jax"
    import tensorflow as tf  # noqa: PLC0415

    return len(tf.config.list_physical_devices("GPU")) > 0
