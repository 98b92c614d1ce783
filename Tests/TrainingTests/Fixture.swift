import Core
import Foundation
import ModelFormat
import Testing

@testable import Training

/// PyTorch's numbers for one small model: Fixtures/README.md says what each tensor is.
struct Fixture {
    let shape: ModelShape
    /// The rows of text, two minibatches of `time` symbols and the symbol after, one row after the
    /// other.
    let corpus: Corpus
    let rows: Int
    let time: Int
    private let tensors: [String: Safetensors.Tensor]
    private let integers: [String: [Int]]

    init(_ cell: Cell, layers: Int, hiddenSize: Int) throws {
        let name = "\(cell.name)-\(layers)x\(hiddenSize)"
        let url = try #require(
            Bundle.module.url(forResource: name, withExtension: "safetensors", subdirectory: "Fixtures"))
        let data = try Data(contentsOf: url)
        let exact = try #require(
            Bundle.module.url(forResource: name + "-float64", withExtension: "safetensors", subdirectory: "Fixtures"))
        tensors = try Safetensors(data).tensors.merging(Safetensors(Data(contentsOf: exact)).tensors) { first, _ in
            first
        }
        integers = try Fixture.readIntegers(data)
        let logits = try #require(tensors["logits.0"]).shape
        (rows, time) = (logits[0], logits[1])
        shape = ModelShape(cell: cell, layers: layers, hiddenSize: hiddenSize, vocabularySize: logits[2])

        let length = 2 * time + 1
        var symbols = SymbolBuffer(symbolCount: shape.vocabularySize, capacity: rows * length)
        for row in 0..<rows {
            for batch in 0..<2 {
                let input = try #require(integers["input.\(batch)"])
                for step in 0..<time { symbols.append(Int32(input[row * time + step])) }
            }
            symbols.append(Int32(try #require(integers["target.1"])[row * time + time - 1]))
        }
        let vocabulary = try #require(
            Vocabulary(characters: (0..<UInt32(shape.vocabularySize)).map { 0x61 + $0 }, hasEndOfDocument: false))
        corpus = Corpus(symbols: symbols, vocabulary: vocabulary, documentCount: 1, sha256: "")
    }

    /// A minibatch of the two: the second continues the first.
    func minibatch(_ index: Int) -> Minibatch {
        corpus.minibatch(starts: (0..<rows).map { $0 * (2 * time + 1) + index * time }, time: time)
    }

    func elements(_ name: String) throws -> [Float] {
        try #require(tensors[name], "no tensor \(name)").elements
    }

    /// A network with the parameters before training.
    func network(threads: Int = 1, slices: Int = 1) throws -> Network {
        let network = try Network(shape, threads: threads, backend: #require(.chosen()), slices: slices)
        for index in 0..<shape.tensorCount {
            network.parameters.setTensor(index, try elements("init." + shape.tensor(index).name))
        }
        return network
    }

    /// The 64-bit integer tensors, which only these files have.
    static func readIntegers(_ data: Data) throws -> [String: [Int]] {
        let length = Int(data.prefix(8).withUnsafeBytes { $0.loadUnaligned(as: UInt64.self) })
        let header = try JSONSerialization.jsonObject(with: data[8..<8 + length]) as? [String: [String: Any]]
        var result: [String: [Int]] = [:]
        for (name, entry) in try #require(header) where entry["dtype"] as? String == "I64" {
            let offsets = try #require(entry["data_offsets"] as? [Int])
            let bytes = Data(data[8 + length + offsets[0]..<8 + length + offsets[1]])
            result[name] = bytes.withUnsafeBytes { raw in
                (0..<raw.count / 8).map { Int(raw.loadUnaligned(fromByteOffset: 8 * $0, as: Int64.self)) }
            }
        }
        return result
    }
}

/// The largest absolute difference between the elements of two lists of the same length.
func largestDifference(_ a: [Float], _ b: [Float]) -> Float {
    #expect(a.count == b.count)
    return zip(a, b).map { abs($0 - $1) }.max() ?? .infinity
}
