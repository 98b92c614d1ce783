import Core

/// What a model is to generate, wherever it is loaded: the value of the key `selfTest` in its
/// provenance. docs/cgw-format.md specifies it.
public struct SelfTest: Equatable, Sendable {
    /// The text that is fed first, in UTF-8.
    public let prompt: [UInt8]
    public let seed: UInt64
    public let temperature: Float
    /// How often a character, or the end of a document, is generated.
    public let length: Int
    /// What is to come of it.
    public var result: Result

    /// What comes of a test.
    public struct Result: Equatable, Sendable {
        /// The CRC-32 of all that is generated: little-endian scalar values, and 0xFFFFFFFF for the
        /// end of a document.
        public let text: UInt32
        /// The CRC-32 of the logits that follow, in which the smallest difference of an earlier
        /// number remains; nil if it is not to be compared.
        public let logits: UInt32?

        /// The checksums of memory that has what they are of.
        public init(text: UnsafeRawBufferPointer, logits: UnsafeRawBufferPointer) {
            let crc = CRC32()
            self.text = crc.checksum(text)
            self.logits = crc.checksum(logits)
        }

        init(text: UInt32, logits: UInt32?) {
            self.text = text
            self.logits = logits
        }

        /// Whether it is what was to come.
        public func isAsExpected(_ expected: Result) -> Bool {
            text == expected.text && (expected.logits == nil || logits == expected.logits)
        }
    }

    /// The most bytes of a prompt.
    public static var maximumPromptLength: Int { 4096 }
    /// The largest ``length``.
    public static var maximumLength: Int { 4096 }

    /// The test that is stored with a model of this vocabulary, but for its checksum: its prompt
    /// has characters from all of the vocabulary.
    public init(for vocabulary: Vocabulary) {
        let characters = vocabulary.characters
        let count = min(characters.count, 32)
        var prompt: [UInt8] = []
        for index in 0..<count {
            guard let character = Unicode.Scalar(characters[index * characters.count / count]) else { continue }
            for byte in character.utf8 { prompt.append(byte) }
        }
        self.prompt = prompt
        seed = 0
        temperature = 1
        length = 100
        result = Result(text: 0, logits: nil)
    }

    /// The test in a model's provenance; nil if there is none.
    ///
    /// - Throws: `invalidModel` if there is one that breaks the specification.
    public init?(provenance: UnsafeRawBufferPointer) throws(ChargenError) {
        guard let test = JSONReader(provenance).value(of: "selfTest") else { return nil }
        let logits = test.value(of: "logits").map { $0.checksum() }
        guard let prompt = test.value(of: "prompt")?.string(limit: SelfTest.maximumPromptLength),
            let seed = test.value(of: "seed")?.integer(),
            let temperature = test.value(of: "temperature")?.number(),
            let length = test.value(of: "length")?.integer(), length > 0, length <= SelfTest.maximumLength,
            let text = test.value(of: "crc32")?.checksum(), logits != .some(nil)
        else {
            throw ChargenError(
                .invalidModel,
                "the self-test in the model's provenance breaks its specification; export the model again")
        }
        self.prompt = prompt
        self.seed = seed
        self.temperature = temperature
        self.length = Int(length)
        result = Result(text: text, logits: logits ?? nil)
    }

    /// A provenance with this test in it.
    ///
    /// - Parameter provenance: A JSON object without one, which ends with its brace.
    public func added(to provenance: String) -> String {
        let value =
            "\"selfTest\":{\"prompt\":\(SelfTest.quoted(prompt)),\"seed\":\(seed),\"temperature\":\(temperature),"
            + "\"length\":\(length),\"crc32\":\"\(SelfTest.hexadecimal(result.text))\""
            + (result.logits.map { ",\"logits\":\"\(SelfTest.hexadecimal($0))\"" } ?? "") + "}}"
        let opened = provenance.dropLast()
        return opened + (opened.utf8.count > 1 ? "," : "") + value
    }

    private static func hexadecimal(_ checksum: UInt32) -> String {
        let digits = String(checksum, radix: 16)
        return String(repeating: "0", count: 8 - digits.utf8.count) + digits
    }

    /// UTF-8 as a JSON string.
    private static func quoted(_ text: [UInt8]) -> String {
        var result = "\""
        for character in String(decoding: text, as: UTF8.self).unicodeScalars {
            if character.value < 0x20 {
                result += character.value < 0x10 ? "\\u000" : "\\u00"
                result += String(character.value, radix: 16)
            } else {
                if character == "\"" || character == "\\" { result += "\\" }
                result.unicodeScalars.append(character)
            }
        }
        return result + "\""
    }
}
