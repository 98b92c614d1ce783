import Core
import Foundation
import ModelFormat

// Writes the models that the benchmarks run: FOLDER/CELL-HIDDENxLAYERS-WEIGHTS.cgw. The weights are
// random, because speed does not depend on their values. Existing files are left unchanged.
//
//     benchmark-models FOLDER [PATTERN…]
//
// Writes the models whose names match one of the patterns, such as 'lstm-*-int8'; without a
// pattern, all of them.

let sizes = [
    (hiddenSize: 64, layers: 1), (128, 2), (256, 2), (512, 2), (512, 3), (1024, 2),
]

/// The newline, the space and the characters from + to z: 82 in all, as in peers.py.
let characters = [0x0A, 0x20] + [UInt32](0x2B...0x7A)

/// A tensor with values uniform in ±1/√hidden, as PyTorch initialises them.
func randomTensor(
    _ type: ElementType, _ tensor: TensorShape, hiddenSize: Int, random: inout SplitMix64
) -> EncodedTensor {
    let bound = 1 / Float(hiddenSize).squareRoot()
    func floats() -> [Float] {
        (0..<tensor.count).map { _ in (Float(random.next() >> 40) * 0x1p-23 - 1) * bound }
    }
    func integers(_ largest: Int) -> [Int8] {
        (0..<tensor.count).map { _ in Int8(Int(random.next() >> 33) % (2 * largest + 1) - largest) }
    }
    switch type {
    case .float32: return .float32(floats())
    case .bfloat16: return .bfloat16(floats().map { UInt16($0.bitPattern >> 16) })
    case .int8: return .int8(integers(127), scales: Array(repeating: bound / 127, count: tensor.rows))
    case .int4:
        let groups = scaleGroupCount(tensor.columns)
        let scale = UInt16((bound / 7).bitPattern >> 16)
        return .int4(integers(7), scales: Array(repeating: scale, count: tensor.rows * groups))
    }
}

func randomModel(_ shape: ModelShape, _ vocabulary: Vocabulary, _ weights: ElementType) throws -> [UInt8] {
    var random = SplitMix64(seed: 1)
    let tensors = (0..<shape.tensorCount).map { index in
        let tensor = shape.tensor(index)
        return randomTensor(
            weights.elementType(of: tensor), tensor, hiddenSize: shape.hiddenSize, random: &random)
    }
    return try ModelFile.encode(
        shape: shape, vocabulary: vocabulary, provenance: #"{"chargen":"benchmark"}"#, tensors: tensors)
}

guard CommandLine.arguments.count > 1, let vocabulary = Vocabulary(characters: characters, hasEndOfDocument: false)
else {
    FileHandle.standardError.write(Data("usage: benchmark-models FOLDER [PATTERN…]\n".utf8))
    exit(2)
}
let folder = URL(fileURLWithPath: CommandLine.arguments[1], isDirectory: true)
let patterns = CommandLine.arguments.dropFirst(2)

try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
for cell in Cell.allCases {
    for (hiddenSize, layers) in sizes {
        for weights in ElementType.allCases {
            let name = "\(cell.name)-\(hiddenSize)x\(layers)-\(weights.name)"
            let file = folder.appendingPathComponent(name + ".cgw")
            guard patterns.isEmpty || patterns.contains(where: { fnmatch($0, name, 0) == 0 }),
                !FileManager.default.fileExists(atPath: file.path)
            else { continue }
            let shape = ModelShape(
                cell: cell, layers: layers, hiddenSize: hiddenSize, vocabularySize: vocabulary.count)
            try Data(randomModel(shape, vocabulary, weights)).write(to: file, options: .atomic)
        }
    }
}
