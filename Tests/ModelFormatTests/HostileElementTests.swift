import CSupport
import Core
import ModelFormat
import TestSupport
import Testing

/// Tensors that hold what their element type forbids, in files that are otherwise right.
@Suite struct HostileElementTests {
    /// The hidden weights, 33 × 33: two groups of int4 a row, the second with one column.
    private static let size = 33

    /// The error of a model whose hidden weights have other bytes.
    private func failure(_ type: ElementType, _ alter: (inout [UInt8]) -> Void) throws -> String? {
        var raw = RawFile(
            try randomModel(.rnn, layers: 1, hiddenSize: Self.size, characters: "ab", weights: type))
        var payload = try decompressed(raw.entries[1].frame)
        alter(&payload)
        raw.entries[1].frame = compressed(payload)
        do throws(any Error) {
            _ = try modelTensors(raw.bytes)
            return nil
        } catch {
            let error = try #require(error as? ChargenError)
            #expect(error.kind == .invalidModel)
            #expect(error.message.contains("tensor rnn.weight_hh_l0: "))
            return error.message
        }
    }

    @Test("The models that the other tests alter are fine", arguments: ElementType.allCases)
    func valid(type: ElementType) throws {
        #expect(try failure(type) { _ in } == nil)
    }

    @Test("Another length is refused", arguments: ElementType.allCases)
    func length(type: ElementType) throws {
        let counts: [ElementType: Int] = [.float32: 4356, .bfloat16: 2178, .int8: 1221, .int4: 1188]
        let count = try #require(counts[type])
        let words = "not one zstd frame of \(count) bytes"
        #expect(try failure(type) { $0.removeLast() }?.contains(words) == true)
        #expect(try failure(type) { $0.append(0) }?.contains(words) == true)
    }

    @Test("A payload of another type is refused")
    func otherType() throws {
        for type in ElementType.allCases {
            for other in ElementType.allCases where other != type {
                var raw = RawFile(
                    try randomModel(.rnn, layers: 1, hiddenSize: Self.size, characters: "ab", weights: type))
                raw.entries[1].elementType = other.rawValue
                let error = #expect(throws: ChargenError.self) { try modelTensors(raw.bytes) }
                let words = ["not one zstd frame", "bytes has a frame of"]
                #expect(words.contains { error?.message.contains($0) == true })
            }
        }
    }

    @Test("An infinity or a NaN is refused, wherever it stands")
    func notFinite() throws {
        let words = "a value that is not finite"
        for place in [0, 1, 500, 1087, 1088] {
            for (third, fourth) in [(0x80, 0x7F), (0x80, 0xFF), (0xC0, 0x7F), (0xFF, 0xFF)] as [(UInt8, UInt8)] {
                let float32 = try failure(.float32) {
                    $0[2 * 1089 + place] = third
                    $0[3 * 1089 + place] = fourth
                }
                #expect(float32?.contains(words) == true)
                let bfloat16 = try failure(.bfloat16) {
                    $0[place] = third
                    $0[1089 + place] = fourth
                }
                #expect(bfloat16?.contains(words) == true)
            }
        }
    }

    /// The error of a model that has, among its scales, one with these upper bytes.
    private func scaleFailure(_ type: ElementType, at place: Int, _ third: UInt8, _ fourth: UInt8) throws -> String? {
        try failure(type) {
            let planes = type == .int8 ? (third: 2 * 33, fourth: 3 * 33) : (third: 0, fourth: 66)
            $0[planes.third + place] = third
            $0[planes.fourth + place] = fourth
        }
    }

    @Test("A scale that is infinite, NaN or 2^121 or more is refused, wherever it stands")
    func scales() throws {
        for (third, fourth) in [(0x80, 0x7F), (0xC0, 0x7F), (0x00, 0x7C)] as [(UInt8, UInt8)] {
            for place in [0, 7, 32] {
                let error = try scaleFailure(.int8, at: place, third, fourth)
                #expect(error?.contains("a scale that is negative or not less than 2^121") == true)
            }
            for place in [0, 7, 65] {
                for sign: UInt8 in [0, 0x80] {
                    let error = try scaleFailure(.int4, at: place, third, fourth | sign)
                    #expect(error?.contains("a scale that is not between -2^121 and 2^121") == true)
                }
            }
        }
        #expect(try scaleFailure(.int8, at: 7, 0xFF, 0x7B) == nil)
        #expect(try scaleFailure(.int4, at: 7, 0xFF, 0x7B) == nil)
    }

    @Test("A scale below zero is refused in int8, and minus zero too; int4 may have both")
    func negativeScales() throws {
        for (third, fourth) in [(0x80, 0xBF), (0x00, 0x80), (0xFF, 0xFB)] as [(UInt8, UInt8)] {
            let error = try scaleFailure(.int8, at: 20, third, fourth)
            #expect(error?.contains("a scale that is negative or not less than 2^121") == true)
            #expect(try scaleFailure(.int4, at: 20, third, fourth) == nil)
        }
    }

    @Test("Matrices between hidden states that differ in their type are refused; the tables of symbols are free")
    func mixedTypes() throws {
        let models = try ElementType.allCases.map { type in
            RawFile(try randomModel(.gru, layers: 2, hiddenSize: Self.size, characters: "ab", weights: type))
        }
        let names = [4: "rnn.weight_ih_l1", 5: "rnn.weight_hh_l1"]
        for (model, type) in zip(models, ElementType.allCases) {
            for (other, otherType) in zip(models, ElementType.allCases) where otherType != type {
                for index in [0, 4, 5, 8] {
                    var raw = model
                    raw.entries[index] = other.entries[index]
                    guard let name = names[index] else {
                        #expect(throws: Never.self) { try modelTensors(raw.bytes) }
                        continue
                    }
                    let error = #expect(throws: ChargenError.self) { try modelTensors(raw.bytes) }
                    #expect(error?.kind == .invalidModel)
                    let words =
                        "tensor \(name) has element type \(otherType.rawValue), rnn.weight_hh_l0 has \(type.rawValue)"
                    #expect(error?.message.contains(words) == true)
                }
            }
        }
    }

    @Test("The byte -128 is refused in int8, wherever it stands")
    func lowestByte() throws {
        for place in [0, 1, 500, 1087, 1088] {
            #expect(try failure(.int8) { $0[4 * 33 + place] = 0x80 }?.contains("the value -128") == true)
        }
    }

    @Test("Anything but 8 beyond the last column of int4 is refused")
    func padding() throws {
        for row in [0, 20, 32] {
            // The second group of a row. The lower half of its first byte is the last column.
            let group = 4 * 33 + 32 * row + 16
            #expect(try failure(.int4) { $0[group] = 0x80 } == nil)
            for (byte, value) in [(0, 0x90), (0, 0x00), (1, 0x89), (1, 0x08), (15, 0x87), (15, 0x98)] as [(Int, UInt8)]
            {
                let error = try failure(.int4) { $0[group + byte] = value }
                #expect(error?.contains("a value beyond the last column") == true)
            }
        }
    }

    @Test("What a type may take is counted before zstd")
    func expansion() throws {
        // Zeros of int4 expand less than those of float32: only the first file is within the limit.
        let characters = (0..<20).map { UInt32(0x61 + $0) }
        let vocabulary = try #require(Vocabulary(characters: characters, hasEndOfDocument: false))
        let shape = ModelShape(cell: .rnn, layers: 1, hiddenSize: 160, vocabularySize: 20)
        func encode(_ type: ElementType) throws -> [UInt8] {
            let tensors = (0..<shape.tensorCount).map { index -> EncodedTensor in
                let tensor = shape.tensor(index)
                guard type == .int4, tensor.role == .hiddenWeight else {
                    return .float32([Float](repeating: 0, count: tensor.count))
                }
                return .int4(
                    [Int8](repeating: 0, count: tensor.count), scales: [UInt16](repeating: 0, count: 160 * 5))
            }
            let provenance = String(repeating: "x", count: 600)
            return try ModelFile.encode(
                shape: shape, vocabulary: vocabulary, provenance: provenance, tensors: tensors)
        }
        #expect(throws: ChargenError.self) { try encode(.float32) }
        #expect(try modelTensors(encode(.int4))[1].allSatisfy { $0 == 0 })
    }
}
