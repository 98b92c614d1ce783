import CSupport
import Core

/// A number of the caller's, which ends a call as soon as it is not 0. Any thread may set it.
struct InterruptFlag {
    let flag: UnsafePointer<Int32>?

    init(_ flag: UnsafePointer<Int32>? = nil) {
        self.flag = flag
    }

    /// Whether there is a flag.
    var exists: Bool { flag != nil }

    /// Whether the call is to end.
    var isSet: Bool {
        guard let flag else { return false }
        return cs_flag_is_set(flag) != 0
    }

    /// - Throws: `interrupted` if the call is to end.
    func check() throws(ChargenError) {
        guard !isSet else { throw ChargenError.interrupted }
    }
}

extension ChargenError {
    /// What a call throws that the caller's flag has ended.
    package static var interrupted: ChargenError {
        ChargenError(.interrupted, "interrupted by the caller's flag")
    }
}
