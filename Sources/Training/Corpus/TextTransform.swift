import Foundation

/// What is done to a text before its characters become symbols.
struct TextTransform {
    private let normalization: Normalization?
    private let lowercase: Bool

    /// The transform that a source requires; nil if it requires none.
    init?(_ source: CorpusSource) {
        normalization = source.normalization
        lowercase = source.lowercase ?? false
        if normalization == nil, !lowercase { return nil }
    }

    func apply(_ text: String) -> String {
        let text = lowercase ? text.lowercased() : text
        return switch normalization {
        case .nfc: text.precomposedStringWithCanonicalMapping
        case nil: text
        }
    }

    /// The number of bytes at the beginning of a UTF-8 text that can be transformed by themselves:
    /// up to the last character that never composes with the one before it.
    ///
    /// Such characters are ASCII and U+4000 to U+9FFF, which are ideographs and begin with the
    /// bytes E4 to E9. A text without any of them is transformed as a whole.
    func border(in bytes: UnsafeRawBufferPointer) -> Int {
        bytes.lastIndex { $0 < 0x80 || (0xE4...0xE9).contains($0) } ?? 0
    }
}
