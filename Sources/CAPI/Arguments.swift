import Core
import InferenceEngine

// Checks of the caller's arguments. A C pointer is an Optional in Swift, and a size_t is an Int,
// which is negative for values above Int.max.

/// The value of an argument that must not be NULL.
///
/// - Throws: `invalidArgument`, naming it.
func required<Value>(_ argument: Value?, _ name: StaticString) throws(ChargenError) -> Value {
    guard let argument else { throw ChargenError(.invalidArgument, "the argument '\(name)' is NULL") }
    return argument
}

/// The bytes at a pointer, which may be NULL if there are none.
///
/// - Throws: `invalidArgument`, naming the pointer if it is NULL, or the length if no object can be
///   as large.
func checkedBytes(
    _ pointer: UnsafeRawPointer?, _ name: StaticString, _ length: Int, _ lengthName: StaticString
) throws(ChargenError) -> UnsafeRawBufferPointer {
    guard length >= 0 else {
        throw ChargenError(.invalidArgument, "the argument '\(lengthName)' is larger than any object can be")
    }
    return UnsafeRawBufferPointer(start: length == 0 ? pointer : try required(pointer, name), count: length)
}

/// A maximum number of characters from a size_t: values above Int.max become Int.max.
func limit(_ maximum: Int) -> Int {
    maximum < 0 ? Int.max : maximum
}

// MARK: - Handles

/// The object behind a handle, or nil for NULL.
func existing<Object: AnyObject>(_ handle: OpaquePointer?, _ type: Object.Type) -> Object? {
    handle.map { Unmanaged<Object>.fromOpaque(UnsafeRawPointer($0)).takeUnretainedValue() }
}

/// The object behind a handle, which still owns it.
func object<Object: AnyObject>(
    _ handle: OpaquePointer?, _ type: Object.Type, _ name: StaticString
) throws(ChargenError) -> Object {
    Unmanaged<Object>.fromOpaque(UnsafeRawPointer(try required(handle, name))).takeUnretainedValue()
}

/// A handle that owns a new object.
///
/// - Throws: `outOfMemory` if a part of it is in the reserve: see `Memory.c`.
func handle<Object: AnyObject>(_ object: Object) throws(ChargenError) -> OpaquePointer {
    try checkMemory()
    return OpaquePointer(Unmanaged.passRetained(object).toOpaque())
}

/// Releases the object that a handle owns. NULL does nothing.
func release<Object: AnyObject>(_ handle: OpaquePointer?, _ type: Object.Type) {
    guard let handle else { return }
    Unmanaged<Object>.fromOpaque(UnsafeRawPointer(handle)).release()
}
