import Foundation

/// The error of a system call.
public struct SystemError: Error, Equatable {
    /// `errno`.
    public let number: Int32

    /// The error of a number, such as `EACCES`.
    public init(_ number: Int32) {
        self.number = number
    }

    /// What is at a path is neither a file nor a folder: a pipe or a device.
    public static let notAFile = SystemError(ESPIPE)

    /// The error of the last system call that failed.
    public static var last: SystemError { SystemError(errno) }

    /// The system's words, such as `Permission denied`.
    public var reason: String { self == .notAFile ? "it is not a file" : String(cString: strerror(number)) }
}

/// Calls a system call until no signal interrupts it.
///
/// - Returns: What it returns, at least 0.
/// - Throws: ``SystemError``, if it returns a negative number.
@discardableResult
public func uninterrupted<Result: SignedInteger>(_ call: () -> Result) throws(SystemError) -> Result {
    while true {
        let result = call()
        if result >= 0 { return result }
        if errno != EINTR { throw .last }
    }
}

/// Writes all bytes to a descriptor, whatever signals arrive and however few it takes at once.
///
/// - Throws: ``SystemError``.
public func writeFully(_ bytes: UnsafeRawBufferPointer, to descriptor: Int32) throws(SystemError) {
    var rest = bytes
    while !rest.isEmpty {
        do throws(SystemError) {
            let count = try uninterrupted { write(descriptor, rest.baseAddress, rest.count) }
            // Takes nothing and gives no reason.
            guard count > 0 else { throw SystemError(EIO) }
            rest = UnsafeRawBufferPointer(rebasing: rest[count...])
        } catch {
            // A pipe or a terminal that another process has made non-blocking.
            guard error.number == EAGAIN else { throw error }
            var request = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
            _ = try uninterrupted { poll(&request, 1, -1) }
        }
    }
}
