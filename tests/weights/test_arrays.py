import numpy as np

from zoo.weights.arrays import read_arrays, write_arrays


def test_arrays_of_any_shape_come_back():
    arrays = {"scalar": np.array(2.5), "row": np.arange(3), "none": np.zeros((0, 2)), "turned": np.ones((2, 3)).T}
    found = read_arrays(write_arrays(arrays), "file")
    assert found.keys() == arrays.keys()
    for name, array in arrays.items():
        assert found[name].shape == array.shape
        np.testing.assert_array_equal(found[name], array)
