"""Tiles are computed by any library that follows the array API standard (data-apis.org), where it keeps its arrays.

NumPy on the CPU is the default; ``cupy`` computes the same on a GPU. SciPy's transforms serve NumPy: they are twice as
fast as NumPy's own.
"""

import importlib
from types import ModuleType
from typing import Any, TypeAlias

import numpy as np
from array_api_compat import array_namespace, is_cupy_array
from numpy.typing import NDArray
from scipy import fft

from astrid_core.shared.errors import BadConfiguration

Array: TypeAlias = Any
"""An array of whichever library computes the tiles."""


def open_arrays(name: str) -> ModuleType:
    """Return the array library ``name``, once it has shown that it can transform an array where it is.

    Raises BadConfiguration where it is not installed, or finds no device.
    """
    try:
        library = importlib.import_module(name)
        to_host(rfft2(library.ones((4, 4), dtype=library.float32)))
    except (ImportError, AttributeError, TypeError, RuntimeError, OSError) as error:
        # A package that is missing or something else, and a driver or a device: CuPy's errors are RuntimeErrors.
        raise BadConfiguration("array library cannot compute here", arrays=name, cause=str(error)) from error
    return library


def rfft2(image: Array) -> Array:
    """Return the transform of a real image over its last two axes."""
    if isinstance(image, np.ndarray):
        return fft.rfft2(image)
    return array_namespace(image).fft.rfftn(image, axes=(-2, -1))


def irfft2(spectrum: Array, shape: tuple[int, int]) -> Array:
    """Return the real image of ``shape`` that a spectrum belongs to."""
    if isinstance(spectrum, np.ndarray):
        return fft.irfft2(spectrum, s=shape)
    return array_namespace(spectrum).fft.irfftn(spectrum, s=shape, axes=(-2, -1))


def to_host(array: Array) -> NDArray[Any]:
    """Return ``array`` as NumPy's, without a copy where it is that already."""
    if isinstance(array, np.ndarray):
        return array
    if is_cupy_array(array):
        return np.asarray(array.get())
    return np.from_dlpack(array)
