import Kernels
import ModelFormat

/// The bytes of a `.cgw` file whose weights are uniform in ±`range`, the same for the same arguments.
public func randomModel(
    _ cell: Cell, layers: Int = 2, hiddenSize: Int = 20, characters: String = "abcdefghijklmnopqrstuvwxyz ",
    hasEndOfDocument: Bool = true, range: Float = 0.4, seed: UInt64 = 1
) throws -> [UInt8] {
    let scalars = Set(characters.unicodeScalars.map(\.value)).sorted()
    guard let vocabulary = Vocabulary(characters: scalars, hasEndOfDocument: hasEndOfDocument) else {
        throw ModelError(.invalidArgument, "not a vocabulary")
    }
    let shape = ModelShape(cell: cell, layers: layers, hiddenSize: hiddenSize, vocabularySize: vocabulary.count)
    var random = SplitMix64(seed: seed)
    let tensors = (0..<shape.tensorCount).map { index in
        (0..<shape.tensor(index).count).map { _ in
            (Float(random.next() >> 40) * 0x1p-23 - 1) * range
        }
    }
    return try ModelFile.encode(
        shape: shape, vocabulary: vocabulary, provenance: "{\"chargen\":\"test\"}", tensors: tensors)
}
