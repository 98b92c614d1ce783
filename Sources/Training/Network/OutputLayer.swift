import CIntrinsics
import Core
import Foundation
import Kernels

/// The linear layer from the last hidden state to the logits, and the loss, over a minibatch.
final class OutputLayer {
    private let kernels: TrainingKernels
    private let layout: ParameterLayout
    /// The symbols of the pass at hand; nil for all.
    var sample: SymbolSample?
    /// The padded hidden units.
    let inputWidth: Int
    /// At most as many as the memory was made for.
    var places: RowPlaces

    /// [places, width]: the logits, then their gradients.
    let logits: AlignedBuffer<Float>
    /// [places]: Σ exp(logit − largest logit), and the target's logit − largest logit.
    private let exponentialSums: AlignedBuffer<Float>
    private let targetLogits: AlignedBuffer<Float>
    /// [inputWidth], what the gradients of the hidden states start from.
    private let zeros: AlignedBuffer<Float>

    init(_ layout: ParameterLayout, _ places: RowPlaces, _ kernels: TrainingKernels) throws(ChargenError) {
        self.kernels = kernels
        self.layout = layout
        inputWidth = layout.width
        self.places = places
        let count = places.count
        logits = try AlignedBuffer(count: count * layout.outputWidth, for: "a minibatch's logits")
        exponentialSums = try AlignedBuffer(count: count, for: "a minibatch's losses")
        targetLogits = try AlignedBuffer(count: count, for: "a minibatch's losses")
        zeros = try AlignedBuffer(count: inputWidth, for: "a minibatch's gradients")
    }

    /// The number of symbols.
    private var symbolCount: Int { sample?.count ?? layout.shape.vocabularySize }
    /// The same, padded.
    private var width: Int { sample?.count ?? layout.outputWidth }

    /// Computes some rows' logits.
    ///
    /// - Parameter hidden: [places, inputWidth], the last layer's hidden states.
    func forward(
        _ weights: PackedWeights, bias: UnsafePointer<Float>, hidden: UnsafeMutablePointer<Float>,
        rows range: Range<Int>, steps: Range<Int>, scratch: UnsafeMutablePointer<Float>
    ) {
        kernels.addForward(
            places.rows(hidden, stride: inputWidth, range, steps), weights, from: bias,
            to: places.rows(logits.pointer, stride: width, range, steps), scratch: scratch)
    }

    /// In place of a target: nothing is predicted there.
    static let noTarget: Int32 = -1

    /// Turns some rows' logits into the gradients of the loss times `scale`, and notes the loss.
    func loss(targets: UnsafePointer<Int32>, scale: Float, rows range: Range<Int>, steps: Range<Int>) {
        for step in steps {
            for row in range {
                let place = places.place(step, row)
                guard targets[place] != OutputLayer.noTarget else {
                    (logits.pointer + place * width).update(repeating: 0, count: width)
                    exponentialSums.pointer[place] = 1
                    targetLogits.pointer[place] = 0
                    continue
                }
                let target = sample?.index(of: targets[place]) ?? targets[place]
                let terms = kernels.softmaxGradient(
                    logits.pointer + place * width, symbolCount, Int(target), scale)
                exponentialSums.pointer[place] = terms.sum
                targetLogits.pointer[place] = terms.targetLogit
            }
        }
    }

    /// The sum of the cross-entropies noted for a slice, in nats.
    func totalLoss(slice: Int) -> Double {
        var total = 0.0
        let places = places.places(ofSlice: slice)
        // One logarithm of a product takes the place of sixteen: each factor is from 1 to 2^21.
        for first in stride(from: places.lowerBound, to: places.upperBound, by: 16) {
            var product = 1.0
            for place in first..<min(first + 16, places.upperBound) {
                product *= Double(exponentialSums.pointer[place])
                total -= Double(targetLogits.pointer[place])
            }
            total += log(product)
        }
        return total
    }

    /// Propagates the gradients of some rows' logits to the hidden states.
    func backward(
        _ weights: PackedWeights, hiddenGradient: UnsafeMutablePointer<Float>, rows range: Range<Int>,
        steps: Range<Int>, scratch: UnsafeMutablePointer<Float>
    ) {
        kernels.addBackward(
            places.rows(logits.pointer, stride: width, range, steps), weights, from: zeros.pointer,
            to: places.rows(hiddenGradient, stride: inputWidth, range, steps), scratch: scratch)
    }

    /// The chunks of ``setGradients(chunk:size:_:hidden:slice:scratch:)``.
    func gradientChunks(size: Int) -> Int { divideRoundingUp(width, by: size) }

    /// Leaves a chunk of the gradients of the parameters, over all rows and time steps of a slice.
    ///
    /// - Parameters:
    ///   - size: The symbols of a chunk, at most `transposedProductRows`.
    ///   - scratch: The worker's (``Activations/scratch``).
    func setGradients(
        chunk: Int, size: Int, _ gradients: Parameters, hidden: UnsafePointer<Float>, slice: Int,
        scratch: UnsafeMutablePointer<Float>
    ) {
        let first = chunk * size
        let count = min(size, width - first)
        let places = places.places(ofSlice: slice)
        let weights = (sample?.rows.pointer ?? gradients.outputWeights) + first * inputWidth
        let bias = (sample?.bias.pointer ?? gradients.outputBias) + first
        bias.update(repeating: 0, count: count)
        weights.update(repeating: 0, count: count * inputWidth)
        for start in stride(from: places.lowerBound, to: places.upperBound, by: transposedProductTerms) {
            let terms = min(transposedProductTerms, places.upperBound - start)
            let logits = logits.pointer + start * width + first
            var product = MatrixProduct(
                a: logits, aStride: width, aBlock: 0, b: hidden + start * inputWidth, bStride: inputWidth,
                bias: nil, c: weights, cStride: inputWidth, cBlock: 0, m: count, blocks: 1, n: inputWidth,
                k: terms, prefetch: nil, prefetchCount: 0, continuesA: true, scratch: scratch)
            kernels.multiplyTransposed(&product)
            var addition = RowAddition(
                source: logits, stride: width, rows: terms, target: bias, targetStride: 0, indices: nil, count: count)
            kernels.addRows(&addition)
        }
        sample?.setGradients(first..<first + count, of: gradients)
    }

    /// The logits of a row at a time step, V of them, after
    /// ``forward(_:bias:hidden:rows:steps:scratch:)``.
    func logits(row: Int, step: Int) -> UnsafeBufferPointer<Float> {
        UnsafeBufferPointer(start: logits.pointer + places.place(step, row) * width, count: symbolCount)
    }
}
