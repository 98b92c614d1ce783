import Foundation
import KernelDispatch
import Kernels
import ModelFormat

/// The linear layer from the last hidden state to the logits, and the loss, over a minibatch.
final class OutputLayer {
    let trainingBackend: TrainingBackend
    /// V.
    let symbolCount: Int
    /// V, padded.
    let width: Int
    /// The padded hidden units.
    let inputWidth: Int
    /// B, at most what the memory was made for.
    var rows: Int

    /// [T, B, width]: the logits, then their gradients.
    let logits: AlignedBuffer<Float>
    /// [T, B]: Σ exp(logit − largest logit), and the target's logit − largest logit.
    private let exponentialSums: AlignedBuffer<Float>
    private let targetLogits: AlignedBuffer<Float>
    /// [inputWidth], what the gradients of the hidden states start from.
    private let zeros: AlignedBuffer<Float>

    init(_ layout: ParameterLayout, rows: Int, time: Int, _ backend: TrainingBackend) throws(ModelError) {
        trainingBackend = backend
        symbolCount = layout.shape.vocabularySize
        width = layout.outputWidth
        inputWidth = layout.width
        self.rows = rows
        let count = rows * time
        logits = try AlignedBuffer(count: count * width, for: "a minibatch's logits")
        exponentialSums = try AlignedBuffer(count: count, for: "a minibatch's losses")
        targetLogits = try AlignedBuffer(count: count, for: "a minibatch's losses")
        zeros = try AlignedBuffer(count: inputWidth, for: "a minibatch's gradients")
    }

    /// Computes some rows' logits.
    ///
    /// - Parameter hidden: [T, B, inputWidth], the last layer's hidden states.
    func forward(
        _ weights: PackedWeights, bias: UnsafePointer<Float>, hidden: UnsafeMutablePointer<Float>,
        rows range: Range<Int>, steps: Range<Int>, scratch: UnsafeMutablePointer<Float>
    ) {
        trainingBackend.add(
            states(hidden, inputWidth, steps.lowerBound, range), weights, from: bias,
            to: states(logits.pointer, width, steps.lowerBound, range), rows: range.count, steps: steps.count,
            scratch: scratch)
    }

    /// Turns some rows' logits into the gradients of the loss times `scale`, and notes the loss.
    func loss(targets: UnsafePointer<Int32>, scale: Float, rows range: Range<Int>, steps: Range<Int>) {
        for step in steps {
            for row in range {
                let place = step * rows + row
                let (sum, targetLogit) = trainingBackend.softmaxGradient(
                    logits.pointer + place * width, symbolCount, Int(targets[place]), scale)
                exponentialSums.pointer[place] = sum
                targetLogits.pointer[place] = targetLogit
            }
        }
    }

    /// The sum of the cross-entropies noted over `time` steps, in nats.
    func totalLoss(time: Int) -> Double {
        var total = 0.0
        // One logarithm of a product takes the place of sixteen: each factor is from 1 to 2^21.
        for first in stride(from: 0, to: time * rows, by: 16) {
            var product = 1.0
            for place in first..<min(first + 16, time * rows) {
                product *= Double(exponentialSums.pointer[place])
                total -= Double(targetLogits.pointer[place])
            }
            total += log(product)
        }
        return total
    }

    /// Goes back from the gradients of some rows' logits to those of the hidden states.
    func backward(
        _ weights: PackedWeights, hiddenGradient: UnsafeMutablePointer<Float>, rows range: Range<Int>,
        steps: Range<Int>, scratch: UnsafeMutablePointer<Float>
    ) {
        trainingBackend.addBackward(
            states(logits.pointer, width, steps.lowerBound, range), weights,
            from: zeros.pointer, to: states(hiddenGradient, inputWidth, steps.lowerBound, range), rows: range.count,
            steps: steps.count,
            scratch: scratch)
    }

    /// The parts of ``setGradients(part:size:weights:bias:hidden:time:scratch:)``.
    func gradientParts(size: Int) -> Int { (width + size - 1) / size }

    /// Leaves a part of the gradients of the parameters, over all rows and time steps.
    ///
    /// - Parameters:
    ///   - size: The symbols of a part, at most `transposedProductRows`.
    ///   - scratch: The thread's (``Activations/scratch``).
    func setGradients(
        part: Int, size: Int, weights: UnsafeMutablePointer<Float>, bias: UnsafeMutablePointer<Float>,
        hidden: UnsafePointer<Float>, time: Int, scratch: UnsafeMutablePointer<Float>
    ) {
        let first = part * size
        let count = min(size, width - first)
        let all = time * rows
        let (weights, bias) = (weights + first * inputWidth, bias + first)
        bias.update(repeating: 0, count: count)
        weights.update(repeating: 0, count: count * inputWidth)
        for start in stride(from: 0, to: all, by: transposedProductDepth) {
            let depth = min(transposedProductDepth, all - start)
            let logits = logits.pointer + start * width + first
            trainingBackend.addTransposedProduct(
                logits, width, count, hidden + start * inputWidth, inputWidth, inputWidth, depth, weights, inputWidth,
                true, scratch)
            trainingBackend.addRows(logits, width, depth, bias, count)
        }
    }

    /// The logits of a row at a time step, V of them, after ``forward(_:bias:hidden:rows:steps:scratch:)``.
    func logits(row: Int, step: Int) -> UnsafeBufferPointer<Float> {
        UnsafeBufferPointer(start: logits.pointer + (step * rows + row) * width, count: symbolCount)
    }

    /// Some rows of a matrix [T, B, width] from a step on.
    private func states(
        _ pointer: UnsafeMutablePointer<Float>, _ width: Int, _ step: Int, _ range: Range<Int>
    ) -> Rows {
        Rows(pointer: pointer + (step * rows + range.lowerBound) * width, stride: width, step: rows * width)
    }
}
