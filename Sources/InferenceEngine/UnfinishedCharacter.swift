import Core

/// The first bytes of a character in UTF-8, 3 at most, and the rest as it comes.
struct UnfinishedCharacter: BitwiseCopyable {
    /// The first byte is the lowest.
    private(set) var bytes: UInt32 = 0
    private(set) var count = 0

    /// No bytes.
    init() {}

    /// The bytes at the end of a text with which a character begins that the text does not end.
    init(endOf text: UnsafeRawBufferPointer) {
        var start = text.count - 1
        // Before the last three bytes no character begins that is unfinished.
        while start >= 0, start > text.count - 3, text[start] & 0xC0 == 0x80 { start -= 1 }
        guard start >= 0, decodeUTF8(text, at: start) == .incomplete else { return }
        for byte in text[start...] { append(byte) }
    }

    /// Whether bytes are missing, and those that are here begin a character.
    var isIncomplete: Bool {
        withBytes { decodeUTF8($0, at: 0) == .incomplete }
    }

    /// Adds a byte to an incomplete character.
    mutating func append(_ byte: UInt8) {
        bytes |= UInt32(byte) << UInt32(8 * count)
        count += 1
    }

    /// Calls `body` with the bytes.
    func withBytes<Result, Failure: Error>(
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try withUnsafeBytes(of: bytes.littleEndian) { (bytes) throws(Failure) in
            try body(UnsafeRawBufferPointer(rebasing: bytes[..<count]))
        }
    }
}
