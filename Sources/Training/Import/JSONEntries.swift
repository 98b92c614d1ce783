import Foundation

extension JSON {
    /// The keys of an object and their values as JSON, in its order, repeated keys included; nil
    /// for what is not an object.
    ///
    /// `JSONDecoder` has them in a dictionary, where a key replaces an equal one. Strings are equal
    /// if they are canonically equivalent, as the characters U+00C5 and U+212B are.
    static func entries(_ data: Data) -> [(key: String, value: Data)]? {
        guard (try? JSONSerialization.jsonObject(with: data)) is [String: Any] else { return nil }
        // As the text is valid, brackets, quotes, colons and commas outside strings have their
        // meaning.
        var entries: [(key: String, value: Data)] = []
        var level = 0
        var key: String?
        var start = 0
        var isInString = false
        var isEscaped = false
        for (offset, byte) in data.enumerated() {
            if isInString {
                isInString = isEscaped || byte != UInt8(ascii: "\"")
                isEscaped = !isEscaped && byte == UInt8(ascii: "\\")
                continue
            }
            var token: Data { data.dropFirst(start).prefix(offset - start) }
            switch byte {
            case UInt8(ascii: "\""): isInString = true
            case UInt8(ascii: "{"), UInt8(ascii: "["):
                level += 1
                if level == 1 { start = offset + 1 }
            case UInt8(ascii: ":") where level == 1:
                guard let name = try? JSONDecoder().decode(String.self, from: token) else { return nil }
                (key, start) = (name, offset + 1)
            case UInt8(ascii: ","), UInt8(ascii: "}"), UInt8(ascii: "]"):
                if level == 1, let name = key {
                    entries.append((name, token))
                    (key, start) = (nil, offset + 1)
                }
                if byte != UInt8(ascii: ",") { level -= 1 }
            default: break
            }
        }
        return entries
    }
}
