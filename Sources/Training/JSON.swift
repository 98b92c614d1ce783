import Foundation

/// JSON as the files of a training and the command's output have it: sorted keys, and slashes as
/// they are. The same value gives the same bytes.
public enum JSON {
    /// The JSON of a value, on one line unless it is `isIndented`, without a line feed at the end.
    ///
    /// - Throws: `EncodingError` for a number that is not finite.
    public static func data(_ value: some Encodable, isIndented: Bool = false) throws -> Data {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        if isIndented { encoder.outputFormatting.insert(.prettyPrinted) }
        return try encoder.encode(value)
    }

    /// The JSON of a value as a string of one line, without a line feed.
    ///
    /// - Throws: `EncodingError` for a number that is not finite.
    public static func string(_ value: some Encodable) throws -> String {
        String(decoding: try data(value), as: UTF8.self)
    }
}
