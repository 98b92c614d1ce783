import Core
import InferenceEngine
import KernelDispatch
import ModelFormat
import TestSupport

/// A session of a model in memory.
func session(_ bytes: [UInt8], backend: Backend? = nil, temperature: Float = 1, seed: UInt64 = 0) throws -> Session {
    let model = try bytes.withUnsafeBytes { try Model(bytes: $0, backend: backend) }
    let session = try Session(model)
    try session.setTemperature(temperature)
    session.seed = seed
    return session
}

extension Session {
    func feed(_ text: [UInt8]) throws {
        try text.withUnsafeBytes { try feed($0) }
    }

    /// The bit patterns of the next symbol's logits, all NaN being one.
    var logitBits: [UInt32] {
        withLogits { $0.map { $0.isNaN ? Float.nan.bitPattern : $0.bitPattern } }
    }

    /// The next `count` symbols as text, `¶` for the end of a document.
    func text(_ count: Int) -> String {
        var text = String.UnicodeScalarView()
        for _ in 0..<count { text.append(next() ?? "¶") }
        return String(text)
    }

    /// What ``generate(limit:into:)`` writes into a buffer of `capacity` bytes.
    func generate(limit: Int, capacity: Int) throws -> [UInt8] {
        var buffer = [UInt8](repeating: 0xFF, count: capacity)
        let length = try buffer.withUnsafeMutableBytes { try generate(limit: limit, into: $0) }
        return Array(buffer[..<length])
    }
}

extension Batch {
    func feed(_ sessions: [Session], _ texts: [[UInt8]]) throws {
        try withPointers(texts) { texts in try feed(sessions.count, { sessions[$0] }, text: { texts[$0] }) }
    }

    func score(_ sessions: [Session], _ texts: [[UInt8]]) throws -> [Double] {
        var results = [Double](repeating: .nan, count: sessions.count)
        try withPointers(texts) { texts in
            try score(sessions.count, { sessions[$0] }, text: { texts[$0] }, results: &results)
        }
        return results
    }

    private func withPointers(_ texts: [[UInt8]], _ body: ([UnsafeRawBufferPointer]) throws -> Void) rethrows {
        let joined = texts.flatMap { $0 }
        try joined.withUnsafeBytes { bytes in
            var start = 0
            try body(
                texts.map { text in
                    defer { start += text.count }
                    return UnsafeRawBufferPointer(rebasing: bytes[start..<start + text.count])
                })
        }
    }
}

/// A model whose logits are the same after any text: the biases given, all other weights 0.
func constantModel(
    logits: [Float], characters: String, hasUnknown: Bool = false, hasEndOfDocument: Bool = false
) throws -> [UInt8] {
    try model(.rnn, characters: characters, hasUnknown: hasUnknown, hasEndOfDocument: hasEndOfDocument) {
        tensor, element in
        tensor.role == .outputBias ? logits[element] : 0
    }
}

/// A model of one layer whose weights a function gives, from the tensor and the place within it.
func model(
    _ cell: Cell, hiddenSize: Int = 1, characters: String, hasUnknown: Bool = false, hasEndOfDocument: Bool = false,
    weight: (TensorShape, Int) -> Float
) throws -> [UInt8] {
    let scalars = Set(characters.unicodeScalars.map(\.value)).sorted()
    guard
        let vocabulary = Vocabulary(
            characters: scalars, hasUnknown: hasUnknown, hasEndOfDocument: hasEndOfDocument)
    else {
        throw ChargenError(.invalidArgument, "not a vocabulary")
    }
    let shape = ModelShape(cell: cell, layers: 1, hiddenSize: hiddenSize, vocabularySize: vocabulary.count)
    let tensors = (0..<shape.tensorCount).map { index in
        (0..<shape.tensor(index).count).map { weight(shape.tensor(index), $0) }
    }
    return try ModelFile.encode(
        shape: shape, vocabulary: vocabulary, provenance: "{}", tensors: tensors.map { .float32($0) })
}
