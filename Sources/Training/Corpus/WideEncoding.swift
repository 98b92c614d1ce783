/// An encoding of two or four bytes a character, which is not UTF-8.
///
/// The raw value is its name for `iconv`.
public enum WideEncoding: String, Sendable {
    case utf16 = "UTF-16"
    case utf16LittleEndian = "UTF-16LE"
    case utf16BigEndian = "UTF-16BE"
    case utf32 = "UTF-32"
    case utf32LittleEndian = "UTF-32LE"
    case utf32BigEndian = "UTF-32BE"

    /// The least rate of NULs among the bytes of one place in text: spaces and line ends have them
    /// in every script.
    private static let rate = 0.03

    /// Recognises an encoding by its byte order mark, or else by NULs in every second byte, or in
    /// two or three of four.
    ///
    /// - Parameter beginning: The beginning of a file.
    init?(beginning: UnsafeRawBufferPointer) {
        if beginning.starts(with: [0xFF, 0xFE, 0, 0]) || beginning.starts(with: [0, 0, 0xFE, 0xFF]) {
            self = .utf32
            return
        }
        if beginning.starts(with: [0xFF, 0xFE]) || beginning.starts(with: [0xFE, 0xFF]) {
            self = .utf16
            return
        }
        let sample = beginning.prefix(4096)
        var counts = [0, 0, 0, 0]
        for (position, byte) in sample.enumerated() where byte == 0 { counts[position % 4] += 1 }
        // A text may have a few NULs of its own.
        guard counts.reduce(0, +) >= 4 else { return nil }
        let rates = counts.map { Double(4 * $0) / Double(sample.count) }
        func isText(_ place: Int) -> Bool { rates[place] < 0.1 * WideEncoding.rate }
        if rates[2] > 0.9, rates[3] > 0.9, isText(0) {
            self = .utf32LittleEndian
        } else if rates[0] > 0.9, rates[1] > 0.9, isText(3) {
            self = .utf32BigEndian
        } else if rates[1] + rates[3] > 2 * WideEncoding.rate, isText(0), isText(2) {
            self = .utf16LittleEndian
        } else if rates[0] + rates[2] > 2 * WideEncoding.rate, isText(1), isText(3) {
            self = .utf16BigEndian
        } else {
            return nil
        }
    }
}
