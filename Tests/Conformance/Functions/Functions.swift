// The arithmetic that decides texts, for functions.c to hash: compiled in Embedded Swift for each
// processor that the library is.

import CIntrinsics
import Core
import InferenceEngine
import KernelDispatch
import ModelFormat

/// The name of a backend of this processor; NULL beyond the last.
@c(conformance_backend)
public func backendName(_ index: Int32) -> UnsafePointer<CChar>? {
    let backends = Backend.available
    return Int(index) < backends.count ? backends[Int(index)].name.cString : nil
}

/// Replaces `count` floats, a multiple of 256, by the results of a function of one number.
@c(conformance_elementary)
public func elementary(_ backend: Int32, _ function: Int32, _ values: UnsafeMutablePointer<Float>, _ count: Int) {
    let backend = Backend.available[Int(backend)]
    switch function {
    case 0: backend.kernels.exponential(values, count)
    case 1: backend.kernels.sigmoid(values, count)
    default: backend.kernels.hyperbolicTangent(values, count)
    }
}

/// Writes the natural logarithm of each float.
@c(conformance_logarithm)
public func logarithms(_ values: UnsafePointer<Float>, _ count: Int, _ results: UnsafeMutablePointer<Double>) {
    for index in 0..<count { results[index] = logarithm(Double(values[index])) }
}

/// Writes the bytes of activations for int8 weights.
@c(conformance_quantise)
public func quantised(
    _ backend: Int32, _ values: UnsafePointer<Float>, _ count: Int, _ bytes: UnsafeMutableRawPointer
) {
    Backend.available[Int(backend)].kernels.quantise(values, count, bytes)
}

/// Writes each float rounded to bfloat16, in 32 bits.
@c(conformance_bfloat16)
public func bfloat16(
    _ backend: Int32, _ values: UnsafePointer<Float>, _ count: Int, _ results: UnsafeMutablePointer<Float>
) {
    // The second row of each pair, whose elements are the upper halves, is zeros.
    var rows = [Float](repeating: 0, count: 2 * count)
    for index in 0..<count { rows[index] = values[index] }
    let kernels = Backend.available[Int(backend)].trainingKernels(inBFloat16: true)
    rows.withUnsafeBufferPointer { rows in
        if let rows = rows.baseAddress { kernels.packRows(rows, 0, 2, 2, count, results) }
    }
}

/// Writes the next state of a cell, `width` floats, a multiple of 16, and an LSTM's cell state
/// after it. `numbers` are its blocks of preactivations, the hidden state and the cell state, all
/// of them `width` floats.
///
/// - Returns: The number of blocks.
@c(conformance_step)
public func step(
    _ backend: Int32, _ cell: Int32, _ numbers: UnsafeMutablePointer<Float>, _ width: Int,
    _ results: UnsafeMutablePointer<Float>
) -> Int32 {
    let cell: Cell = [.rnn, .gru, .lstm][Int(cell)]
    let blocks = cell.gates.blockCount
    let state = numbers + blocks * width
    var step = StepForward(
        preactivations: numbers, hidden: state, nextHidden: results, cell: state + width, nextCell: results + width,
        cellTangent: results + 2 * width, width: width)
    Backend.available[Int(backend)].forward(cell)(&step)
    return Int32(blocks)
}

/// The symbol that a word picks with weights from logits, cut to the `most` likeliest ones and to
/// those that make up `share` / 2^64 of the weights. The logits are in a padded buffer.
@c(conformance_sample)
public func sample(
    _ backend: Int32, _ logits: UnsafePointer<Float>, _ count: Int, _ inverseTemperature: Float, _ most: Int,
    _ share: UInt64, _ word: UInt64
) -> Int {
    let kernels = Backend.available[Int(backend)].kernels
    var weights = [UInt32](repeating: 0, count: padded(count))
    return weights.withUnsafeMutableBufferPointer { buffer in
        guard let weights = buffer.baseAddress else { return -1 }
        var total = kernels.sampleWeights(logits, count, inverseTemperature, weights)
        total = kernels.cutWeights(weights, count, total, most, share, 0)
        return kernels.pickSymbol(weights, count, total, word)
    }
}
