# Written by scripts/generate_protocol.py.
# ruff: noqa
# fmt: off
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class DataType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    DATA_TYPE_UNSPECIFIED: _ClassVar[DataType]
    BOOL: _ClassVar[DataType]
    INT8: _ClassVar[DataType]
    UINT8: _ClassVar[DataType]
    INT16: _ClassVar[DataType]
    UINT16: _ClassVar[DataType]
    INT32: _ClassVar[DataType]
    UINT32: _ClassVar[DataType]
    INT64: _ClassVar[DataType]
    UINT64: _ClassVar[DataType]
    FLOAT16: _ClassVar[DataType]
    FLOAT32: _ClassVar[DataType]
    FLOAT64: _ClassVar[DataType]
    COMPLEX64: _ClassVar[DataType]
    COMPLEX128: _ClassVar[DataType]

class Status(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    OK: _ClassVar[Status]
    INVALID_PROGRAM: _ClassVar[Status]
    UNKNOWN_BUFFER: _ClassVar[Status]
    UNKNOWN_SESSION: _ClassVar[Status]
    UNSUPPORTED_VERSION: _ClassVar[Status]
    LIMIT_EXCEEDED: _ClassVar[Status]
    INDEX_OUT_OF_RANGE: _ClassVar[Status]
    CANCELLED: _ClassVar[Status]
    NUMERICAL_FAILURE: _ClassVar[Status]
    UNAUTHENTICATED: _ClassVar[Status]
    OUT_OF_MEMORY: _ClassVar[Status]
    SHARED_MEMORY_UNAVAILABLE: _ClassVar[Status]
    DEVICE_LOST: _ClassVar[Status]
    INTERNAL: _ClassVar[Status]
    SHUTTING_DOWN: _ClassVar[Status]

class FloatingPointKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    NONE: _ClassVar[FloatingPointKind]
    DIVIDE: _ClassVar[FloatingPointKind]
    OVERFLOW: _ClassVar[FloatingPointKind]
    INVALID: _ClassVar[FloatingPointKind]

class Codec(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PLAIN: _ClassVar[Codec]
    LZ4: _ClassVar[Codec]
    ZSTD: _ClassVar[Codec]
DATA_TYPE_UNSPECIFIED: DataType
BOOL: DataType
INT8: DataType
UINT8: DataType
INT16: DataType
UINT16: DataType
INT32: DataType
UINT32: DataType
INT64: DataType
UINT64: DataType
FLOAT16: DataType
FLOAT32: DataType
FLOAT64: DataType
COMPLEX64: DataType
COMPLEX128: DataType
OK: Status
INVALID_PROGRAM: Status
UNKNOWN_BUFFER: Status
UNKNOWN_SESSION: Status
UNSUPPORTED_VERSION: Status
LIMIT_EXCEEDED: Status
INDEX_OUT_OF_RANGE: Status
CANCELLED: Status
NUMERICAL_FAILURE: Status
UNAUTHENTICATED: Status
OUT_OF_MEMORY: Status
SHARED_MEMORY_UNAVAILABLE: Status
DEVICE_LOST: Status
INTERNAL: Status
SHUTTING_DOWN: Status
NONE: FloatingPointKind
DIVIDE: FloatingPointKind
OVERFLOW: FloatingPointKind
INVALID: FloatingPointKind
PLAIN: Codec
LZ4: Codec
ZSTD: Codec

class Layout(_message.Message):
    __slots__ = ("type", "shape", "strides")
    TYPE_FIELD_NUMBER: _ClassVar[int]
    SHAPE_FIELD_NUMBER: _ClassVar[int]
    STRIDES_FIELD_NUMBER: _ClassVar[int]
    type: DataType
    shape: _containers.RepeatedScalarFieldContainer[int]
    strides: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, type: _Optional[_Union[DataType, str]] = ..., shape: _Optional[_Iterable[int]] = ..., strides: _Optional[_Iterable[int]] = ...) -> None: ...

class Scalar(_message.Message):
    __slots__ = ("type", "low", "high")
    TYPE_FIELD_NUMBER: _ClassVar[int]
    LOW_FIELD_NUMBER: _ClassVar[int]
    HIGH_FIELD_NUMBER: _ClassVar[int]
    type: DataType
    low: int
    high: int
    def __init__(self, type: _Optional[_Union[DataType, str]] = ..., low: _Optional[int] = ..., high: _Optional[int] = ...) -> None: ...

class NewBuffer(_message.Message):
    __slots__ = ("handle", "bytes", "content", "placement")
    HANDLE_FIELD_NUMBER: _ClassVar[int]
    BYTES_FIELD_NUMBER: _ClassVar[int]
    CONTENT_FIELD_NUMBER: _ClassVar[int]
    PLACEMENT_FIELD_NUMBER: _ClassVar[int]
    handle: int
    bytes: int
    content: bytes
    placement: Placement
    def __init__(self, handle: _Optional[int] = ..., bytes: _Optional[int] = ..., content: _Optional[bytes] = ..., placement: _Optional[_Union[Placement, _Mapping]] = ...) -> None: ...

class Placement(_message.Message):
    __slots__ = ("handle", "segment", "offset", "bytes")
    HANDLE_FIELD_NUMBER: _ClassVar[int]
    SEGMENT_FIELD_NUMBER: _ClassVar[int]
    OFFSET_FIELD_NUMBER: _ClassVar[int]
    BYTES_FIELD_NUMBER: _ClassVar[int]
    handle: int
    segment: int
    offset: int
    bytes: int
    def __init__(self, handle: _Optional[int] = ..., segment: _Optional[int] = ..., offset: _Optional[int] = ..., bytes: _Optional[int] = ...) -> None: ...

class Segment(_message.Message):
    __slots__ = ("id", "path", "bytes")
    ID_FIELD_NUMBER: _ClassVar[int]
    PATH_FIELD_NUMBER: _ClassVar[int]
    BYTES_FIELD_NUMBER: _ClassVar[int]
    id: int
    path: str
    bytes: int
    def __init__(self, id: _Optional[int] = ..., path: _Optional[str] = ..., bytes: _Optional[int] = ...) -> None: ...

class Observation(_message.Message):
    __slots__ = ("handle", "offset", "length")
    HANDLE_FIELD_NUMBER: _ClassVar[int]
    OFFSET_FIELD_NUMBER: _ClassVar[int]
    LENGTH_FIELD_NUMBER: _ClassVar[int]
    handle: int
    offset: int
    length: int
    def __init__(self, handle: _Optional[int] = ..., offset: _Optional[int] = ..., length: _Optional[int] = ...) -> None: ...

class Batch(_message.Message):
    __slots__ = ("format", "number", "layouts", "scalars", "buffers", "sources", "reports", "operation", "operand_count", "source", "operand_buffer", "operand_layout", "operand_offset", "observations", "sync", "written")
    FORMAT_FIELD_NUMBER: _ClassVar[int]
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    LAYOUTS_FIELD_NUMBER: _ClassVar[int]
    SCALARS_FIELD_NUMBER: _ClassVar[int]
    BUFFERS_FIELD_NUMBER: _ClassVar[int]
    SOURCES_FIELD_NUMBER: _ClassVar[int]
    REPORTS_FIELD_NUMBER: _ClassVar[int]
    OPERATION_FIELD_NUMBER: _ClassVar[int]
    OPERAND_COUNT_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    OPERAND_BUFFER_FIELD_NUMBER: _ClassVar[int]
    OPERAND_LAYOUT_FIELD_NUMBER: _ClassVar[int]
    OPERAND_OFFSET_FIELD_NUMBER: _ClassVar[int]
    OBSERVATIONS_FIELD_NUMBER: _ClassVar[int]
    SYNC_FIELD_NUMBER: _ClassVar[int]
    WRITTEN_FIELD_NUMBER: _ClassVar[int]
    format: int
    number: int
    layouts: _containers.RepeatedCompositeFieldContainer[Layout]
    scalars: _containers.RepeatedCompositeFieldContainer[Scalar]
    buffers: _containers.RepeatedCompositeFieldContainer[NewBuffer]
    sources: _containers.RepeatedScalarFieldContainer[str]
    reports: _containers.RepeatedScalarFieldContainer[int]
    operation: _containers.RepeatedScalarFieldContainer[int]
    operand_count: _containers.RepeatedScalarFieldContainer[int]
    source: _containers.RepeatedScalarFieldContainer[int]
    operand_buffer: _containers.RepeatedScalarFieldContainer[int]
    operand_layout: _containers.RepeatedScalarFieldContainer[int]
    operand_offset: _containers.RepeatedScalarFieldContainer[int]
    observations: _containers.RepeatedCompositeFieldContainer[Observation]
    sync: bool
    written: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, format: _Optional[int] = ..., number: _Optional[int] = ..., layouts: _Optional[_Iterable[_Union[Layout, _Mapping]]] = ..., scalars: _Optional[_Iterable[_Union[Scalar, _Mapping]]] = ..., buffers: _Optional[_Iterable[_Union[NewBuffer, _Mapping]]] = ..., sources: _Optional[_Iterable[str]] = ..., reports: _Optional[_Iterable[int]] = ..., operation: _Optional[_Iterable[int]] = ..., operand_count: _Optional[_Iterable[int]] = ..., source: _Optional[_Iterable[int]] = ..., operand_buffer: _Optional[_Iterable[int]] = ..., operand_layout: _Optional[_Iterable[int]] = ..., operand_offset: _Optional[_Iterable[int]] = ..., observations: _Optional[_Iterable[_Union[Observation, _Mapping]]] = ..., sync: _Optional[bool] = ..., written: _Optional[_Iterable[int]] = ...) -> None: ...

class FloatingPointError(_message.Message):
    __slots__ = ("kind", "operation", "source")
    KIND_FIELD_NUMBER: _ClassVar[int]
    OPERATION_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    kind: FloatingPointKind
    operation: str
    source: str
    def __init__(self, kind: _Optional[_Union[FloatingPointKind, str]] = ..., operation: _Optional[str] = ..., source: _Optional[str] = ...) -> None: ...

class Reply(_message.Message):
    __slots__ = ("status", "message", "source", "placements", "contents", "segments", "dropped_segments", "failed_batch", "warning", "errors")
    STATUS_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    PLACEMENTS_FIELD_NUMBER: _ClassVar[int]
    CONTENTS_FIELD_NUMBER: _ClassVar[int]
    SEGMENTS_FIELD_NUMBER: _ClassVar[int]
    DROPPED_SEGMENTS_FIELD_NUMBER: _ClassVar[int]
    FAILED_BATCH_FIELD_NUMBER: _ClassVar[int]
    WARNING_FIELD_NUMBER: _ClassVar[int]
    ERRORS_FIELD_NUMBER: _ClassVar[int]
    status: Status
    message: str
    source: str
    placements: _containers.RepeatedCompositeFieldContainer[Placement]
    contents: _containers.RepeatedScalarFieldContainer[bytes]
    segments: _containers.RepeatedCompositeFieldContainer[Segment]
    dropped_segments: _containers.RepeatedScalarFieldContainer[int]
    failed_batch: int
    warning: str
    errors: _containers.RepeatedCompositeFieldContainer[FloatingPointError]
    def __init__(self, status: _Optional[_Union[Status, str]] = ..., message: _Optional[str] = ..., source: _Optional[str] = ..., placements: _Optional[_Iterable[_Union[Placement, _Mapping]]] = ..., contents: _Optional[_Iterable[bytes]] = ..., segments: _Optional[_Iterable[_Union[Segment, _Mapping]]] = ..., dropped_segments: _Optional[_Iterable[int]] = ..., failed_batch: _Optional[int] = ..., warning: _Optional[str] = ..., errors: _Optional[_Iterable[_Union[FloatingPointError, _Mapping]]] = ...) -> None: ...

class Limits(_message.Message):
    __slots__ = ("batch_bytes", "batch_instructions", "dimensions", "inline_bytes", "session_memory_bytes")
    BATCH_BYTES_FIELD_NUMBER: _ClassVar[int]
    BATCH_INSTRUCTIONS_FIELD_NUMBER: _ClassVar[int]
    DIMENSIONS_FIELD_NUMBER: _ClassVar[int]
    INLINE_BYTES_FIELD_NUMBER: _ClassVar[int]
    SESSION_MEMORY_BYTES_FIELD_NUMBER: _ClassVar[int]
    batch_bytes: int
    batch_instructions: int
    dimensions: int
    inline_bytes: int
    session_memory_bytes: int
    def __init__(self, batch_bytes: _Optional[int] = ..., batch_instructions: _Optional[int] = ..., dimensions: _Optional[int] = ..., inline_bytes: _Optional[int] = ..., session_memory_bytes: _Optional[int] = ...) -> None: ...

class Operation(_message.Message):
    __slots__ = ("number", "name", "signature")
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    SIGNATURE_FIELD_NUMBER: _ClassVar[int]
    number: int
    name: str
    signature: str
    def __init__(self, number: _Optional[int] = ..., name: _Optional[str] = ..., signature: _Optional[str] = ...) -> None: ...

class SessionOptions(_message.Message):
    __slots__ = ("fusion_off", "engine", "explain", "profile", "threads", "cascade_all", "spread_all", "timeline", "device", "announces_writes", "emulate")
    FUSION_OFF_FIELD_NUMBER: _ClassVar[int]
    ENGINE_FIELD_NUMBER: _ClassVar[int]
    EXPLAIN_FIELD_NUMBER: _ClassVar[int]
    PROFILE_FIELD_NUMBER: _ClassVar[int]
    THREADS_FIELD_NUMBER: _ClassVar[int]
    CASCADE_ALL_FIELD_NUMBER: _ClassVar[int]
    SPREAD_ALL_FIELD_NUMBER: _ClassVar[int]
    TIMELINE_FIELD_NUMBER: _ClassVar[int]
    DEVICE_FIELD_NUMBER: _ClassVar[int]
    ANNOUNCES_WRITES_FIELD_NUMBER: _ClassVar[int]
    EMULATE_FIELD_NUMBER: _ClassVar[int]
    fusion_off: bool
    engine: str
    explain: bool
    profile: bool
    threads: int
    cascade_all: bool
    spread_all: bool
    timeline: bool
    device: str
    announces_writes: bool
    emulate: str
    def __init__(self, fusion_off: _Optional[bool] = ..., engine: _Optional[str] = ..., explain: _Optional[bool] = ..., profile: _Optional[bool] = ..., threads: _Optional[int] = ..., cascade_all: _Optional[bool] = ..., spread_all: _Optional[bool] = ..., timeline: _Optional[bool] = ..., device: _Optional[str] = ..., announces_writes: _Optional[bool] = ..., emulate: _Optional[str] = ...) -> None: ...

class HelloRequest(_message.Message):
    __slots__ = ("formats", "client_version", "client_pid", "options", "trace_parent", "trace_state")
    FORMATS_FIELD_NUMBER: _ClassVar[int]
    CLIENT_VERSION_FIELD_NUMBER: _ClassVar[int]
    CLIENT_PID_FIELD_NUMBER: _ClassVar[int]
    OPTIONS_FIELD_NUMBER: _ClassVar[int]
    TRACE_PARENT_FIELD_NUMBER: _ClassVar[int]
    TRACE_STATE_FIELD_NUMBER: _ClassVar[int]
    formats: _containers.RepeatedScalarFieldContainer[int]
    client_version: str
    client_pid: int
    options: SessionOptions
    trace_parent: str
    trace_state: str
    def __init__(self, formats: _Optional[_Iterable[int]] = ..., client_version: _Optional[str] = ..., client_pid: _Optional[int] = ..., options: _Optional[_Union[SessionOptions, _Mapping]] = ..., trace_parent: _Optional[str] = ..., trace_state: _Optional[str] = ...) -> None: ...

class HelloReply(_message.Message):
    __slots__ = ("status", "message", "format", "server_version", "session", "limits", "operations")
    STATUS_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    FORMAT_FIELD_NUMBER: _ClassVar[int]
    SERVER_VERSION_FIELD_NUMBER: _ClassVar[int]
    SESSION_FIELD_NUMBER: _ClassVar[int]
    LIMITS_FIELD_NUMBER: _ClassVar[int]
    OPERATIONS_FIELD_NUMBER: _ClassVar[int]
    status: Status
    message: str
    format: int
    server_version: str
    session: str
    limits: Limits
    operations: _containers.RepeatedCompositeFieldContainer[Operation]
    def __init__(self, status: _Optional[_Union[Status, str]] = ..., message: _Optional[str] = ..., format: _Optional[int] = ..., server_version: _Optional[str] = ..., session: _Optional[str] = ..., limits: _Optional[_Union[Limits, _Mapping]] = ..., operations: _Optional[_Iterable[_Union[Operation, _Mapping]]] = ...) -> None: ...

class ProfileRow(_message.Message):
    __slots__ = ("source", "operation", "calls", "elements", "nanoseconds", "device")
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    OPERATION_FIELD_NUMBER: _ClassVar[int]
    CALLS_FIELD_NUMBER: _ClassVar[int]
    ELEMENTS_FIELD_NUMBER: _ClassVar[int]
    NANOSECONDS_FIELD_NUMBER: _ClassVar[int]
    DEVICE_FIELD_NUMBER: _ClassVar[int]
    source: str
    operation: str
    calls: int
    elements: int
    nanoseconds: int
    device: str
    def __init__(self, source: _Optional[str] = ..., operation: _Optional[str] = ..., calls: _Optional[int] = ..., elements: _Optional[int] = ..., nanoseconds: _Optional[int] = ..., device: _Optional[str] = ...) -> None: ...

class DeviceUse(_message.Message):
    __slots__ = ("name", "kernels", "bytes_to_device", "bytes_to_host", "evictions", "steps", "host_steps", "failure")
    NAME_FIELD_NUMBER: _ClassVar[int]
    KERNELS_FIELD_NUMBER: _ClassVar[int]
    BYTES_TO_DEVICE_FIELD_NUMBER: _ClassVar[int]
    BYTES_TO_HOST_FIELD_NUMBER: _ClassVar[int]
    EVICTIONS_FIELD_NUMBER: _ClassVar[int]
    STEPS_FIELD_NUMBER: _ClassVar[int]
    HOST_STEPS_FIELD_NUMBER: _ClassVar[int]
    FAILURE_FIELD_NUMBER: _ClassVar[int]
    name: str
    kernels: int
    bytes_to_device: int
    bytes_to_host: int
    evictions: int
    steps: int
    host_steps: int
    failure: str
    def __init__(self, name: _Optional[str] = ..., kernels: _Optional[int] = ..., bytes_to_device: _Optional[int] = ..., bytes_to_host: _Optional[int] = ..., evictions: _Optional[int] = ..., steps: _Optional[int] = ..., host_steps: _Optional[int] = ..., failure: _Optional[str] = ...) -> None: ...

class ProfileReply(_message.Message):
    __slots__ = ("status", "message", "rows", "kernels", "kernels_compiled", "plans_reused", "peak_bytes", "device", "peak_spilled_bytes")
    STATUS_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    ROWS_FIELD_NUMBER: _ClassVar[int]
    KERNELS_FIELD_NUMBER: _ClassVar[int]
    KERNELS_COMPILED_FIELD_NUMBER: _ClassVar[int]
    PLANS_REUSED_FIELD_NUMBER: _ClassVar[int]
    PEAK_BYTES_FIELD_NUMBER: _ClassVar[int]
    DEVICE_FIELD_NUMBER: _ClassVar[int]
    PEAK_SPILLED_BYTES_FIELD_NUMBER: _ClassVar[int]
    status: Status
    message: str
    rows: _containers.RepeatedCompositeFieldContainer[ProfileRow]
    kernels: int
    kernels_compiled: int
    plans_reused: int
    peak_bytes: int
    device: DeviceUse
    peak_spilled_bytes: int
    def __init__(self, status: _Optional[_Union[Status, str]] = ..., message: _Optional[str] = ..., rows: _Optional[_Iterable[_Union[ProfileRow, _Mapping]]] = ..., kernels: _Optional[int] = ..., kernels_compiled: _Optional[int] = ..., plans_reused: _Optional[int] = ..., peak_bytes: _Optional[int] = ..., device: _Optional[_Union[DeviceUse, _Mapping]] = ..., peak_spilled_bytes: _Optional[int] = ...) -> None: ...

class TimelineRequest(_message.Message):
    __slots__ = ("after",)
    AFTER_FIELD_NUMBER: _ClassVar[int]
    after: int
    def __init__(self, after: _Optional[int] = ...) -> None: ...

class TimelineReply(_message.Message):
    __slots__ = ("status", "message", "events", "last", "more", "left_out", "origin", "now")
    STATUS_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    LAST_FIELD_NUMBER: _ClassVar[int]
    MORE_FIELD_NUMBER: _ClassVar[int]
    LEFT_OUT_FIELD_NUMBER: _ClassVar[int]
    ORIGIN_FIELD_NUMBER: _ClassVar[int]
    NOW_FIELD_NUMBER: _ClassVar[int]
    status: Status
    message: str
    events: str
    last: int
    more: bool
    left_out: int
    origin: int
    now: int
    def __init__(self, status: _Optional[_Union[Status, str]] = ..., message: _Optional[str] = ..., events: _Optional[str] = ..., last: _Optional[int] = ..., more: _Optional[bool] = ..., left_out: _Optional[int] = ..., origin: _Optional[int] = ..., now: _Optional[int] = ...) -> None: ...

class Opening(_message.Message):
    __slots__ = ("hello", "session", "name")
    HELLO_FIELD_NUMBER: _ClassVar[int]
    SESSION_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    hello: HelloRequest
    session: str
    name: str
    def __init__(self, hello: _Optional[_Union[HelloRequest, _Mapping]] = ..., session: _Optional[str] = ..., name: _Optional[str] = ...) -> None: ...

class Opened(_message.Message):
    __slots__ = ("hello", "received", "reconnect_seconds", "chunk_bytes", "bulk_port", "codecs")
    HELLO_FIELD_NUMBER: _ClassVar[int]
    RECEIVED_FIELD_NUMBER: _ClassVar[int]
    RECONNECT_SECONDS_FIELD_NUMBER: _ClassVar[int]
    CHUNK_BYTES_FIELD_NUMBER: _ClassVar[int]
    BULK_PORT_FIELD_NUMBER: _ClassVar[int]
    CODECS_FIELD_NUMBER: _ClassVar[int]
    hello: HelloReply
    received: int
    reconnect_seconds: int
    chunk_bytes: int
    bulk_port: int
    codecs: _containers.RepeatedScalarFieldContainer[Codec]
    def __init__(self, hello: _Optional[_Union[HelloReply, _Mapping]] = ..., received: _Optional[int] = ..., reconnect_seconds: _Optional[int] = ..., chunk_bytes: _Optional[int] = ..., bulk_port: _Optional[int] = ..., codecs: _Optional[_Iterable[_Union[Codec, str]]] = ...) -> None: ...

class Call(_message.Message):
    __slots__ = ("number", "acknowledged", "batch", "profile", "explain", "close", "load", "timeline", "fallbacks")
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    ACKNOWLEDGED_FIELD_NUMBER: _ClassVar[int]
    BATCH_FIELD_NUMBER: _ClassVar[int]
    PROFILE_FIELD_NUMBER: _ClassVar[int]
    EXPLAIN_FIELD_NUMBER: _ClassVar[int]
    CLOSE_FIELD_NUMBER: _ClassVar[int]
    LOAD_FIELD_NUMBER: _ClassVar[int]
    TIMELINE_FIELD_NUMBER: _ClassVar[int]
    FALLBACKS_FIELD_NUMBER: _ClassVar[int]
    number: int
    acknowledged: int
    batch: Batch
    profile: ProfileRequest
    explain: ExplainRequest
    close: CloseRequest
    load: LoadRequest
    timeline: TimelineRequest
    fallbacks: _containers.RepeatedCompositeFieldContainer[Fallback]
    def __init__(self, number: _Optional[int] = ..., acknowledged: _Optional[int] = ..., batch: _Optional[_Union[Batch, _Mapping]] = ..., profile: _Optional[_Union[ProfileRequest, _Mapping]] = ..., explain: _Optional[_Union[ExplainRequest, _Mapping]] = ..., close: _Optional[_Union[CloseRequest, _Mapping]] = ..., load: _Optional[_Union[LoadRequest, _Mapping]] = ..., timeline: _Optional[_Union[TimelineRequest, _Mapping]] = ..., fallbacks: _Optional[_Iterable[_Union[Fallback, _Mapping]]] = ...) -> None: ...

class Fallback(_message.Message):
    __slots__ = ("function", "reason", "source", "calls", "elements", "nanoseconds")
    FUNCTION_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    CALLS_FIELD_NUMBER: _ClassVar[int]
    ELEMENTS_FIELD_NUMBER: _ClassVar[int]
    NANOSECONDS_FIELD_NUMBER: _ClassVar[int]
    function: str
    reason: str
    source: str
    calls: int
    elements: int
    nanoseconds: int
    def __init__(self, function: _Optional[str] = ..., reason: _Optional[str] = ..., source: _Optional[str] = ..., calls: _Optional[int] = ..., elements: _Optional[int] = ..., nanoseconds: _Optional[int] = ...) -> None: ...

class ProfileRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ExplainRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class CloseRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class LoadRequest(_message.Message):
    __slots__ = ("path", "columns")
    PATH_FIELD_NUMBER: _ClassVar[int]
    COLUMNS_FIELD_NUMBER: _ClassVar[int]
    path: str
    columns: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, path: _Optional[str] = ..., columns: _Optional[_Iterable[str]] = ...) -> None: ...

class LoadReply(_message.Message):
    __slots__ = ("status", "message", "type", "shape", "fortran_order", "number", "bytes", "columns")
    STATUS_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    SHAPE_FIELD_NUMBER: _ClassVar[int]
    FORTRAN_ORDER_FIELD_NUMBER: _ClassVar[int]
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    BYTES_FIELD_NUMBER: _ClassVar[int]
    COLUMNS_FIELD_NUMBER: _ClassVar[int]
    status: Status
    message: str
    type: DataType
    shape: _containers.RepeatedScalarFieldContainer[int]
    fortran_order: bool
    number: int
    bytes: int
    columns: _containers.RepeatedCompositeFieldContainer[LoadedColumn]
    def __init__(self, status: _Optional[_Union[Status, str]] = ..., message: _Optional[str] = ..., type: _Optional[_Union[DataType, str]] = ..., shape: _Optional[_Iterable[int]] = ..., fortran_order: _Optional[bool] = ..., number: _Optional[int] = ..., bytes: _Optional[int] = ..., columns: _Optional[_Iterable[_Union[LoadedColumn, _Mapping]]] = ...) -> None: ...

class LoadedColumn(_message.Message):
    __slots__ = ("name", "type", "rows", "number", "bytes")
    NAME_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    ROWS_FIELD_NUMBER: _ClassVar[int]
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    BYTES_FIELD_NUMBER: _ClassVar[int]
    name: str
    type: DataType
    rows: int
    number: int
    bytes: int
    def __init__(self, name: _Optional[str] = ..., type: _Optional[_Union[DataType, str]] = ..., rows: _Optional[int] = ..., number: _Optional[int] = ..., bytes: _Optional[int] = ...) -> None: ...

class Answer(_message.Message):
    __slots__ = ("number", "reply", "profile", "explanation", "load", "timeline")
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    REPLY_FIELD_NUMBER: _ClassVar[int]
    PROFILE_FIELD_NUMBER: _ClassVar[int]
    EXPLANATION_FIELD_NUMBER: _ClassVar[int]
    LOAD_FIELD_NUMBER: _ClassVar[int]
    TIMELINE_FIELD_NUMBER: _ClassVar[int]
    number: int
    reply: Reply
    profile: ProfileReply
    explanation: str
    load: LoadReply
    timeline: TimelineReply
    def __init__(self, number: _Optional[int] = ..., reply: _Optional[_Union[Reply, _Mapping]] = ..., profile: _Optional[_Union[ProfileReply, _Mapping]] = ..., explanation: _Optional[str] = ..., load: _Optional[_Union[LoadReply, _Mapping]] = ..., timeline: _Optional[_Union[TimelineReply, _Mapping]] = ...) -> None: ...

class Transfer(_message.Message):
    __slots__ = ("session", "handle", "upload", "offset", "bytes")
    SESSION_FIELD_NUMBER: _ClassVar[int]
    HANDLE_FIELD_NUMBER: _ClassVar[int]
    UPLOAD_FIELD_NUMBER: _ClassVar[int]
    OFFSET_FIELD_NUMBER: _ClassVar[int]
    BYTES_FIELD_NUMBER: _ClassVar[int]
    session: str
    handle: int
    upload: str
    offset: int
    bytes: int
    def __init__(self, session: _Optional[str] = ..., handle: _Optional[int] = ..., upload: _Optional[str] = ..., offset: _Optional[int] = ..., bytes: _Optional[int] = ...) -> None: ...

class Uploaded(_message.Message):
    __slots__ = ("status", "message", "number", "received")
    STATUS_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    RECEIVED_FIELD_NUMBER: _ClassVar[int]
    status: Status
    message: str
    number: int
    received: int
    def __init__(self, status: _Optional[_Union[Status, str]] = ..., message: _Optional[str] = ..., number: _Optional[int] = ..., received: _Optional[int] = ...) -> None: ...

class BulkRequest(_message.Message):
    __slots__ = ("token", "upload", "download", "codec")
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    UPLOAD_FIELD_NUMBER: _ClassVar[int]
    DOWNLOAD_FIELD_NUMBER: _ClassVar[int]
    CODEC_FIELD_NUMBER: _ClassVar[int]
    token: str
    upload: Transfer
    download: Transfer
    codec: Codec
    def __init__(self, token: _Optional[str] = ..., upload: _Optional[_Union[Transfer, _Mapping]] = ..., download: _Optional[_Union[Transfer, _Mapping]] = ..., codec: _Optional[_Union[Codec, str]] = ...) -> None: ...

class BulkReply(_message.Message):
    __slots__ = ("status", "message", "offset", "number", "bytes")
    STATUS_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    OFFSET_FIELD_NUMBER: _ClassVar[int]
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    BYTES_FIELD_NUMBER: _ClassVar[int]
    status: Status
    message: str
    offset: int
    number: int
    bytes: int
    def __init__(self, status: _Optional[_Union[Status, str]] = ..., message: _Optional[str] = ..., offset: _Optional[int] = ..., number: _Optional[int] = ..., bytes: _Optional[int] = ...) -> None: ...
