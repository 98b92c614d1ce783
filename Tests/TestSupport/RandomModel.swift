import Core
import ModelFormat

/// The bytes of a `.cgw` file with random weights in ±`range`, the same for the same arguments.
/// Floats are uniform.
public func randomModel(
    _ cell: Cell, layers: Int = 2, hiddenSize: Int = 20, characters: String = "abcdefghijklmnopqrstuvwxyz ",
    hasUnknown: Bool = false, hasEndOfDocument: Bool = true, carriesDocuments: Bool = false,
    labels: [Labels.Column] = [], range: Float = 0.4, seed: UInt64 = 1, weights: ElementType = .float32
) throws -> [UInt8] {
    let scalars = Set(characters.unicodeScalars.map(\.value)).sorted()
    guard
        let vocabulary = Vocabulary(
            characters: scalars, hasUnknown: hasUnknown, hasEndOfDocument: hasEndOfDocument,
            carriesDocuments: carriesDocuments)
    else {
        throw ChargenError(.invalidArgument, "not a vocabulary")
    }
    let labels = Labels(labels)
    let shape = ModelShape(
        cell: cell, layers: layers, hiddenSize: hiddenSize, vocabularySize: vocabulary.count,
        labelCount: labels?.count ?? 0)
    var random = SplitMix64(seed: seed)
    let tensors = (0..<shape.tensorCount).map { index in
        let tensor = shape.tensor(index)
        return randomTensor(weights.elementType(of: tensor), tensor, range: range, random: &random)
    }
    return try ModelFile.encode(
        shape: shape, vocabulary: vocabulary, labels: labels, provenance: "{\"chargen\":\"test\"}", tensors: tensors)
}

/// A tensor of random values in ±`range`. Integers span the range of their type; scales differ by
/// up to a quarter.
public func randomTensor(
    _ type: ElementType, _ tensor: TensorShape, range: Float, random: inout SplitMix64
) -> EncodedTensor {
    func uniform() -> Float { (Float(random.next() >> 40) * 0x1p-23 - 1) * range }
    func integer(_ bounds: ClosedRange<Int>) -> Int8 {
        Int8(bounds.lowerBound + Int(random.next() >> 32) % bounds.count)
    }
    func scale(_ largest: Int) -> Float { range / Float(largest) * (0.75 + 0.25 * abs(uniform() / range)) }
    let groups = scaleGroupCount(tensor.columns)
    switch type {
    case .float32: return .float32((0..<tensor.count).map { _ in uniform() })
    case .bfloat16: return .bfloat16((0..<tensor.count).map { _ in UInt16(uniform().bitPattern >> 16) })
    case .int8:
        return .int8(
            (0..<tensor.count).map { _ in integer(-127...127) }, scales: (0..<tensor.rows).map { _ in scale(127) })
    case .int4:
        return .int4(
            (0..<tensor.count).map { _ in integer(-8...7) },
            scales: (0..<tensor.rows * groups).map { _ in UInt16(scale(8).bitPattern >> 16) })
    }
}
