/// What the bytes of a corpus say by themselves: their number, their hash and the ends of lines.
struct ByteTally {
    private var hash = SHA256()
    private(set) var count = 0
    private(set) var lineEnds = LineEnds()
    /// Whether the last byte was a carriage return.
    private var endsWithReturn = false

    mutating func update(_ bytes: UnsafeRawBufferPointer) {
        hash.update(bytes)
        count += bytes.count
        var returns = 0
        var lineFeeds = 0
        var pairs = 0
        for byte in bytes {
            returns += byte == UInt8(ascii: "\r") ? 1 : 0
            lineFeeds += byte == UInt8(ascii: "\n") ? 1 : 0
        }
        if returns > 0 || endsWithReturn {
            var previous = endsWithReturn ? UInt8(ascii: "\r") : 0
            for byte in bytes {
                pairs += previous == UInt8(ascii: "\r") && byte == UInt8(ascii: "\n") ? 1 : 0
                previous = byte
            }
            if !bytes.isEmpty { endsWithReturn = previous == UInt8(ascii: "\r") }
        }
        lineEnds.lineFeeds += lineFeeds - pairs
        lineEnds.returns += returns - pairs
        lineEnds.pairs += pairs
    }

    /// Ends a file: a carriage return at its end and a line feed after it are two ends of lines.
    mutating func endFile() {
        endsWithReturn = false
    }

    mutating func hexadecimalDigest() -> String { hash.hexadecimalDigest() }
}

/// The number of each kind of end of line.
public struct LineEnds: Equatable, Sendable, Encodable {
    /// LF alone.
    public internal(set) var lineFeeds = 0
    /// CR LF, as on Windows.
    public internal(set) var pairs = 0
    /// CR alone, as on old Macintoshes.
    public internal(set) var returns = 0
}
