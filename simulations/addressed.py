"""Tuples of arrays that kernels take as a single address.

numba passes a tuple of arrays field by field: seven values for each array, at every call, through
every function that has it among its arguments. For a hundred arrays that took minutes to compile.
An `Addressed` tuple keeps a table in memory of where its arrays are; kernels get the table's
address, and ``world.seats`` in a kernel reads from it.
"""

from typing import Any

import numba
import numpy as np
from llvmlite import ir
from numba.core import cgutils, types
from numba.core.imputils import impl_ret_borrowed, lower_getattr_generic
from numba.core.typing.templates import AttributeTemplate, infer_getattr
from numba.extending import NativeValue, models, register_model, typeof_impl, unbox
from numba.np.arrayobj import make_array, populate_array

_WORD = ir.IntType(64)


class AddressedType(types.Type):
    """The type, for numba, of a tuple with the given fields: (name, type of array)."""

    def __init__(self, fields: tuple[tuple[str, Any], ...]) -> None:
        self.fields = dict(fields)
        self.places = {}
        place = 0
        for name, array in fields:
            self.places[name] = place
            place += 1 + array.ndim  # where it is; its shape
        super().__init__(name=f"Addressed({', '.join(f'{n}: {a}' for n, a in fields)})")


class Addressed:
    """Mixed into a NamedTuple of C-contiguous arrays, none of which is replaced."""

    _type: AddressedType
    _table: Any
    _address: int
    _fields: tuple[str, ...]

    def address(self) -> int:
        """Where the table is that kernels read."""
        if "_address" not in self.__dict__:
            arrays = [getattr(self, name) for name in self._fields]
            words = [word for array in arrays for word in (array.ctypes.data, *array.shape)]
            self._table = np.array(words, np.int64)
            self._address = int(self._table.ctypes.data)
        return self._address

    def type(self) -> AddressedType:
        """Its type for numba."""
        if "_type" not in self.__dict__:
            fields = tuple((name, numba.typeof(getattr(self, name))) for name in self._fields)
            if strided := [name for name, array in fields if array.layout != "C"]:
                raise TypeError(f"{', '.join(strided)} must be C-contiguous")
            self._type = AddressedType(fields)
        return self._type


@typeof_impl.register(Addressed)  # type: ignore[untyped-decorator]
def _typeof(value: Addressed, _context: Any) -> AddressedType:
    return value.type()


@register_model(AddressedType)
class _Model(models.PrimitiveModel):  # type: ignore[misc]
    def __init__(self, manager: Any, kind: AddressedType) -> None:
        super().__init__(manager, kind, _WORD)


@unbox(AddressedType)  # type: ignore[untyped-decorator]
def _unbox(_kind: AddressedType, value: Any, c: Any) -> NativeValue:
    answer = c.pyapi.call_method(value, "address")
    address = c.pyapi.long_as_longlong(answer)
    c.pyapi.decref(answer)
    return NativeValue(address, is_error=cgutils.is_not_null(c.builder, c.pyapi.err_occurred()))


@infer_getattr
class _Attributes(AttributeTemplate):  # type: ignore[misc]
    key = AddressedType

    def generic_resolve(self, kind: AddressedType, name: str) -> Any:
        return kind.fields.get(name)


@lower_getattr_generic(AddressedType)  # type: ignore[untyped-decorator]
def _getattr(context: Any, builder: Any, kind: AddressedType, value: Any, name: str) -> Any:
    array_type = kind.fields[name]
    table = builder.inttoptr(value, _WORD.as_pointer())

    def word(place: int) -> Any:
        at = builder.gep(table, [ir.Constant(_WORD, kind.places[name] + place)])
        load = builder.load(at)
        # No array is replaced while kernels run: one look will do, whatever is written meanwhile.
        load.set_metadata("invariant.load", builder.module.add_metadata([]))
        return load

    array = make_array(array_type)(context, builder)
    item = context.get_abi_sizeof(context.get_data_type(array_type.dtype))
    shape = [word(1 + axis) for axis in range(array_type.ndim)]
    strides = [ir.Constant(_WORD, item)]
    for extent in reversed(shape[1:]):
        strides.insert(0, builder.mul(strides[0], extent))
    populate_array(
        array,
        data=builder.inttoptr(word(0), array.data.type),
        shape=shape,
        strides=strides,
        itemsize=ir.Constant(_WORD, item),
        meminfo=None,
    )
    return impl_ret_borrowed(context, builder, array_type, array._getvalue())
