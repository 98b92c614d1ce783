import CSupport
import Core
import TestSupport
import Testing

/// Files made to do harm: every checksum is right, and something else is not.
@Suite struct HostileFileTests {
    /// An attack, and words of the message that it must meet.
    struct Attack: Sendable, CustomTestStringConvertible {
        var name: String
        var words: String
        var kind: ChargenError.Kind
        var alter: @Sendable (inout RawFile) -> Void

        var testDescription: String { name }

        init(
            _ name: String, _ words: String, kind: ChargenError.Kind = .invalidModel,
            alter: @escaping @Sendable (inout RawFile) -> Void
        ) {
            self.name = name
            self.words = words
            self.kind = kind
            self.alter = alter
        }
    }

    static let header: [Attack] = [
        Attack("magic in another case", "signature") { $0.magic[1] = 0x63 },
        Attack("version 0", "format version 0", kind: .unsupportedVersion) { $0.version = 0 },
        Attack("version 2", "format version 2", kind: .unsupportedVersion) { $0.version = 2 },
        Attack("header length 0", "impossible header length 0") { $0.headerLength = 0 },
        Attack("header length 51", "impossible header length 51") { $0.headerLength = 51 },
        Attack("header longer than the file", "impossible header length 4294967295") { $0.headerLength = .max },
        Attack("header that ends early", "header checksum mismatch") { $0.headerLength = 60 },
        Attack("file length 0", "the header says 0 bytes") { $0.fileLength = 0 },
        Attack("file length 2^64 - 1", "the header says 18446744073709551615 bytes") { $0.fileLength = .max },
        Attack("cell 3", "unknown cell 3") { $0.cell = 3 },
        Attack("cell 2^32 - 1", "unknown cell 4294967295") { $0.cell = .max },
        Attack("no layer", "the number of layers is 0, not 1 to 64") { $0.layers = 0 },
        Attack("65 layers", "the number of layers is 65, not 1 to 64") { $0.layers = 65 },
        Attack("2^32 - 1 layers", "the number of layers is 4294967295") { $0.layers = .max },
        Attack("no hidden unit", "the hidden size is 0, not 1 to 16384") { $0.hiddenSize = 0 },
        Attack("16,385 hidden units", "the hidden size is 16385") { $0.hiddenSize = 16_385 },
        Attack("2^32 - 1 hidden units", "the hidden size is 4294967295") { $0.hiddenSize = .max },
        Attack("special symbols 3", "the field of special symbols is 3, not 0 to 2, 4 to 6, 8, 9, 12 or 13") {
            $0.specialSymbols = 3
        },
        Attack("special symbols 7", "the field of special symbols is 7") { $0.specialSymbols = 7 },
        Attack("labels that are not there", "the number of label columns is") { $0.specialSymbols = 8 },
        Attack("special symbols 10", "the field of special symbols is 10") { $0.specialSymbols = 10 },
        Attack("special symbols 16", "the field of special symbols is 16") { $0.specialSymbols = 16 },
        Attack("special symbols 2^31 + 4", "the field of special symbols is 2147483652") {
            $0.specialSymbols = 1 << 31 + 4
        },
        Attack("special symbols 2^32 - 1", "the field of special symbols is 4294967295") {
            $0.specialSymbols = .max
        },
        Attack("an unknown symbol that the tensors lack", "tensor rnn.weight_ih_l0: not one zstd frame of 24 bytes") {
            $0.specialSymbols = 4
        },
    ]

    static let vocabulary: [Attack] = [
        Attack("no character", "the number of characters is 0") { $0.characterCount = 0 },
        Attack("65,536 characters", "the number of characters is 65536, not 1 to 65535") {
            $0.characterCount = 65_536
            $0.specialSymbols = 1
        },
        Attack("65,535 characters and both special symbols", "the number of characters is 65535, not 1 to 65534") {
            $0.characterCount = 65_535
            $0.specialSymbols = 6
        },
        Attack("2^32 - 1 characters", "the number of characters is 4294967295") { $0.characterCount = .max },
        Attack("more characters than the header has", "too short for its vocabulary") { $0.characterCount = 65_535 },
        Attack("descending vocabulary", "not an ascending list") { $0.characters.reverse() },
        Attack("repeated character", "not an ascending list") { $0.characters[1] = $0.characters[0] },
        Attack("lowest surrogate", "of Unicode scalars") { $0.characters[1] = 0xD800 },
        Attack("highest surrogate", "of Unicode scalars") { $0.characters[1] = 0xDFFF },
        Attack("scalar above U+10FFFF", "of Unicode scalars") { $0.characters[1] = 0x11_0000 },
        Attack("scalar 2^32 - 1", "of Unicode scalars") { $0.characters[1] = .max },
    ]

    static let provenance: [Attack] = [
        Attack("provenance that is not UTF-8", "the provenance is not UTF-8 (at byte 57)") { $0.provenance[1] = 0xFF },
        Attack("provenance that ends within a character", "the provenance is not UTF-8") {
            $0.provenance[$0.provenance.count - 1] = 0xC3
        },
        Attack("provenance longer than the header", "too short for its provenance") {
            $0.provenanceLength = 1 << 20
        },
        Attack("provenance longer than 1 MiB", "the provenance's length is 1048577") {
            $0.provenanceLength = 1 << 20 + 1
        },
        Attack("provenance of 2^32 - 1 bytes", "the provenance's length is 4294967295") { $0.provenanceLength = .max },
        // Its last byte would be the first of the directory.
        Attack("provenance a byte longer than said", "bytes that belong to nothing") {
            $0.provenanceLength -= 1
        },
    ]

    static let directory: [Attack] = [
        Attack("a tensor too few", "too short for its tensor directory") { $0.entries.removeLast() },
        Attack("a tensor too many", "bytes that belong to nothing") { $0.entries.append($0.entries[0]) },
        Attack("another number of layers", "too short for its tensor directory") { $0.layers = 2 },
        Attack("bytes after the directory", "bytes that belong to nothing") { $0.afterDirectory = [0] },
        Attack("bytes after the tensors", "bytes that belong to nothing") { $0.afterTensors = [0] },
        Attack("unknown element type", "tensor rnn.weight_hh_l0 has element type 4", kind: .unsupportedVersion) {
            $0.entries[1].elementType = 4
        },
        Attack("element type 2^32 - 1", "has element type 4294967295", kind: .unsupportedVersion) {
            $0.entries[1].elementType = .max
        },
        Attack("bias in bfloat16", "tensor rnn.bias_ih_l0 has element type 1, it must have 0") {
            $0.entries[2].elementType = 1
        },
        Attack("bias in int4", "tensor fc.bias has element type 3, it must have 0") {
            $0.entries[5].elementType = 3
        },
        Attack("tensor beyond the file", "tensor fc.bias reaches beyond the file") { $0.entries[5].length = 1000 },
        Attack("tensor of 2^63 bytes", "tensor fc.bias reaches beyond the file") { $0.entries[5].length = 1 << 63 },
        Attack("tensors whose lengths overflow together", "tensor rnn.weight_hh_l0 reaches beyond the file") {
            $0.entries[1].length = .max - 100
        },
        Attack("expansion bomb: the largest sizes in a small file", "times the file's length") {
            declareLargest(&$0)
        },
        Attack("expansion bomb in the first layer, whose int4 becomes floats", "times the file's length") { file in
            file.hiddenSize = 64
            file.characters = (0x100..<0x500).map { $0 }
            file.characterCount = 1024
            file.entries = [3, 0, 0, 0, 3, 0].map { .init(elementType: $0, frame: []) }
            file.cell = 2
        },
        Attack("expansion bomb in int4", "times the file's length") { file in
            declareLargest(&file)
            for index in file.entries.indices where index % 4 < 2 && index < 256 || index == 256 {
                file.entries[index].elementType = 3
            }
        },
    ]

    /// The most layers of the largest size, with a directory of empty tensors.
    static func declareLargest(_ file: inout RawFile) {
        file.layers = 64
        file.hiddenSize = 16_384
        file.entries = [RawFile.Entry](repeating: .init(elementType: 0, frame: []), count: 64 * 4 + 2)
    }

    static let tensors: [Attack] = [
        Attack("tensor checksum", "tensor rnn.weight_hh_l0: checksum mismatch") { $0.entries[1].checksum = 0 },
        Attack("empty tensor", "tensor rnn.weight_hh_l0: not one zstd frame of 16 bytes") { $0.entries[1].frame = [] },
        Attack("tensor that is no zstd frame", "tensor rnn.weight_hh_l0: not one zstd frame") {
            $0.entries[1].frame = Array("hello, hello".utf8)
        },
        Attack("tensor with another shape's frame", "tensor rnn.bias_ih_l0: not one zstd frame of 8 bytes") {
            $0.entries[2].frame = $0.entries[1].frame
        },
        Attack("frame of 25 megabytes of zeros", "tensor rnn.weight_hh_l0: not one zstd frame of 16 bytes") {
            $0.entries[1].frame = zeros(blocks: 200)
        },
        Attack("frame of empty blocks", "tensor rnn.weight_hh_l0 of 16 bytes has a frame of 1066") {
            let frame = $0.entries[1].frame
            let emptyBlocks = [UInt8](repeating: 0, count: 3 * 344)
            $0.entries[1].frame = frame[..<6] + emptyBlocks + frame[6...]
        },
        Attack("cut zstd frame", "tensor rnn.weight_hh_l0: not one zstd frame") { $0.entries[1].frame.removeLast() },
        Attack("byte after the zstd frame", "tensor rnn.weight_hh_l0: not one zstd frame") {
            $0.entries[1].frame.append(0)
        },
        Attack("skippable frame after the zstd frame", "tensor rnn.weight_hh_l0: not one zstd frame") {
            $0.entries[1].frame += [0x50, 0x2A, 0x4D, 0x18, 0, 0, 0, 0]
        },
        Attack("zstd frame of version 0.7", "tensor rnn.weight_hh_l0: not one zstd frame") {
            // Sixteen uncompressed zeros, which a zstd with support for old formats would accept.
            let zeros = [UInt8](repeating: 0, count: 16)
            $0.entries[1].frame = [0x27, 0xB5, 0x2F, 0xFD, 0x20, 0x10, 0x40, 0, 0x10] + zeros + [0xC0, 0, 0]
        },
        Attack("infinite weight", "tensor fc.bias: a value that is not finite") {
            $0.entries[5].frame = compressed([0, 0, 0, 0, 0x80, 0, 0x7F, 0])
        },
        Attack("NaN weight", "tensor fc.bias: a value that is not finite") {
            $0.entries[5].frame = compressed([0, 0, 0, 0, 0xC0, 0, 0xFF, 0])
        },
    ]

    /// A zstd frame without a content size whose blocks are 128 KiB of zeros each, in four bytes.
    static func zeros(blocks: Int) -> [UInt8] {
        // Magic number; descriptor 0; window of 128 KiB; then blocks of type 1 (run), the last one
        // marked.
        var frame: [UInt8] = [0x28, 0xB5, 0x2F, 0xFD, 0x00, 0x38]
        for block in 0..<blocks {
            let header = 128 * 1024 << 3 | 1 << 1 | (block == blocks - 1 ? 1 : 0)
            frame += [UInt8(header & 0xFF), UInt8(header >> 8 & 0xFF), UInt8(header >> 16), 0]
        }
        return frame
    }

    private func failure(_ alter: (inout RawFile) -> Void) throws -> ChargenError? {
        var raw = RawFile(try randomModel(.rnn, layers: 1, hiddenSize: 2, characters: "ab", hasEndOfDocument: false))
        alter(&raw)
        return #expect(throws: ChargenError.self) { _ = try modelTensors(raw.bytes) }
    }

    @Test("Refused, by name", arguments: header + vocabulary + provenance + directory + tensors)
    func refused(_ attack: Attack) throws {
        let error = try #require(try failure(attack.alter))
        #expect(error.kind == attack.kind)
        #expect(error.message.contains(attack.words), "\(error.message)")
    }

    @Test("The run of zeros is a frame that zstd accepts")
    func zerosAreValid() {
        var output = [UInt8](repeating: 1, count: 2 * 128 * 1024)
        let frame = Self.zeros(blocks: 2)
        #expect(ZSTD_decompress(&output, output.count, frame, frame.count) == output.count)
        #expect(output.allSatisfy { $0 == 0 })
    }

    @Test("The largest sizes that the format allows are no error in themselves")
    func limits() throws {
        // The file is far too short for such sizes, and that is what the error says.
        let error = try failure {
            Self.declareLargest(&$0)
            $0.characters = (0..<65_535).map { $0 < 0xD800 ? $0 : $0 + 0x800 }
            $0.characterCount = 65_535
        }
        #expect(error?.message.contains("times the file's length") == true)
    }
}
