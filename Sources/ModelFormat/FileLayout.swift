/// The offsets and limits of `.cgw` version 1; docs/cgw-format.md is the specification.
enum FileLayout {
    /// A byte outside ASCII, the name, and line ends that a text-mode transfer would change.
    static var magic: [UInt8] { [0x89, 0x43, 0x47, 0x57, 0x0D, 0x0A, 0x1A, 0x0A] }
    static var version: UInt32 { 1 }

    // Byte offsets of the fixed header's fields.
    static var versionOffset: Int { 8 }
    static var headerLengthOffset: Int { 12 }
    static var fileLengthOffset: Int { 16 }
    static var cellOffset: Int { 24 }
    static var layersOffset: Int { 28 }
    static var hiddenSizeOffset: Int { 32 }
    static var characterCountOffset: Int { 36 }
    static var specialSymbolsOffset: Int { 40 }
    static var provenanceLengthOffset: Int { 44 }
    static var fixedLength: Int { 48 }

    /// The field of special symbols: 0, 1 or 2 for the end of a document, plus this for an unknown
    /// symbol.
    static var unknownFlag: UInt32 { 4 }
    /// And this for labels, whose names follow the vocabulary.
    static var labelsFlag: UInt32 { 8 }

    /// A tensor's entry: element type, checksum, compressed length.
    static var entryLength: Int { 16 }
    static var checksumLength: Int { 4 }

    static var maximumProvenanceLength: Int { 1 << 20 }
    /// The longest header: every field at its maximum.
    static var maximumHeaderLength: Int {
        let limit = ModelShape.maximum
        let tensors = limit.layers * ModelShape.tensorsPerLayer + 4
        let labels = 4 * (Labels.maximum.columns + 2) + Labels.maximum.textLength
        return fixedLength + 4 * (limit.vocabularySize - 1) + labels + maximumProvenanceLength
            + entryLength * tensors + checksumLength
    }
    /// The maximum length of a tensor's frame, which no compression needs: without it, a long file
    /// could hold nothing but empty blocks.
    static func maximumFrameLength(payload: Int) -> Int { 2 * payload + 1024 }
    /// The size of the tensors, with floats for the first one, is below this multiple of the file's
    /// size. Trained weights take at most ten times the file's size; without a limit a small file
    /// of zeros could claim all memory.
    static var maximumExpansion: Int { 64 }
}
