import CIntrinsics
import Core
import Foundation
import ThreadPool

/// The limit of gradients.
public enum Clipping: Equatable, Sendable {
    /// All gradients are scaled down together, so that their Euclidean norm is at most this
    /// (Pascanu et al. 2013).
    case norm(Float)
    /// Every gradient is limited to ± this.
    case element(Float)
    case none
}

/// The Adam optimiser (Kingma and Ba 2015) with β1 = 0.9 and ε = 1e-8, and AdamW (Loshchilov and
/// Hutter 2019): weights decay, biases do not.
final class Adam: ParallelWork {
    /// The running means of the gradients and of their squares.
    let firstMoments: Parameters
    let secondMoments: Parameters
    /// The running mean of the parameters; nil without averaging.
    let averages: Parameters?
    /// The number of updates so far.
    var updates = 0

    private static let beta1 = 0.9
    private static let epsilon: Float = 1e-8
    private let beta2: Double
    private let weightDecay: Double
    private let averaging: Double

    /// What the workers do next.
    private var step: Step?

    /// An update of a network's parameters, from its gradients times `scale`, limited to ± `limit`.
    private struct Step {
        let network: Network
        let scale: Float
        let limit: Float
        /// The learning rate divided by 1 − β1^t.
        let size: Float
        /// 1 / √(1 − β2^t).
        let secondCorrection: Float
        let keep: Float
        let averageWeight: Float
        let chunks: Int
    }

    /// - Parameters:
    ///   - beta2: See ``Settings/secondMomentDecay``.
    ///   - weightDecay: See ``Settings/weightDecay``.
    ///   - averaging: See ``Settings/averaging``.
    init(
        _ layout: ParameterLayout, beta2: Double = 0.999, weightDecay: Double = 0, averaging: Double = 0
    ) throws(ChargenError) {
        self.beta2 = beta2
        self.weightDecay = weightDecay
        self.averaging = averaging
        averages = averaging > 0 ? try Parameters(layout) : nil
        firstMoments = try Parameters(layout)
        secondMoments = try Parameters(layout)
    }

    /// Forgets all gradients so far.
    func reset() {
        updates = 0
        for parameters in [firstMoments, secondMoments, averages] { parameters?.clear() }
    }

    /// Updates a network's parameters from its gradients, which are clipped first.
    func update(_ network: Network, learningRate: Double, clipping: Clipping) {
        updates += 1
        let firstCorrection = 1 - pow(Adam.beta1, Double(updates))
        let secondCorrection = 1 - pow(beta2, Double(updates))
        var scale: Float = 1
        var limit = Float.infinity
        switch clipping {
        case .norm(let largest):
            let norm = network.kernels.sumOfSquares(network.gradients.pointer, network.gradients.count)
                .squareRoot()
            // 1e-6 as in PyTorch's clip_grad_norm_.
            scale = min(1, largest / Float(norm + 1e-6))
        case .element(let largest): limit = largest
        case .none: break
        }
        // Several chunks per worker, so that a fast worker takes more of them.
        let chunks = 4 * network.pool.size
        step = Step(
            network: network, scale: scale, limit: limit, size: Float(learningRate / firstCorrection),
            secondCorrection: Float(1 / secondCorrection.squareRoot()), keep: Float(1 - learningRate * weightDecay),
            // At first the mean of all so far, so that it does not depend on where it starts from.
            averageWeight: Float(max(1 - averaging, 1 / Double(updates))), chunks: chunks)
        network.pool.perform(self, chunks: chunks)
        step = nil
    }

    override func perform(chunk: Int, worker: Int) {
        guard let step else { return }
        let network = step.network
        let lines = network.parameters.count / laneCount
        let start = chunk * lines / step.chunks * laneCount
        let end = (chunk + 1) * lines / step.chunks * laneCount
        for index in 0..<network.shape.tensorCount {
            let tensor = network.layout.range(of: index).clamped(to: start..<end)
            guard !tensor.isEmpty else { continue }
            let first = tensor.lowerBound
            network.kernels.updateAdam(
                AdamStep(
                    parameters: network.parameters.pointer + first, gradients: network.gradients.pointer + first,
                    firstMoments: firstMoments.pointer + first, secondMoments: secondMoments.pointer + first,
                    averages: averages.map { $0.pointer + first }, count: tensor.count, scale: step.scale,
                    limit: step.limit, decay1: Float(1 - Adam.beta1), decay2: Float(1 - beta2), stepSize: step.size,
                    secondCorrection: step.secondCorrection, epsilon: Adam.epsilon,
                    keep: network.shape.tensor(index).isBias ? 1 : step.keep, averageWeight: step.averageWeight))
        }
    }
}
