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

/// The Adam optimiser (Kingma and Ba 2015) with β1 = 0.9, β2 = 0.999 and ε = 1e-8.
final class Adam: ParallelWork {
    /// The running means of the gradients and of their squares.
    let firstMoments: Parameters
    let secondMoments: Parameters
    /// The number of updates so far.
    var updates = 0

    private static let beta1 = 0.9
    private static let beta2 = 0.999
    private static let epsilon: Float = 1e-8

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
        let chunks: Int
    }

    init(_ layout: ParameterLayout) throws(ChargenError) {
        firstMoments = try Parameters(layout)
        secondMoments = try Parameters(layout)
    }

    /// Updates a network's parameters from its gradients, which are clipped first.
    func update(_ network: Network, learningRate: Double, clipping: Clipping) {
        updates += 1
        let firstCorrection = 1 - pow(Adam.beta1, Double(updates))
        let secondCorrection = 1 - pow(Adam.beta2, Double(updates))
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
            secondCorrection: Float(1 / secondCorrection.squareRoot()), chunks: chunks)
        network.pool.perform(self, chunks: chunks)
        step = nil
    }

    override func perform(chunk: Int, worker: Int) {
        guard let step else { return }
        let network = step.network
        let lines = network.parameters.count / laneCount
        let start = chunk * lines / step.chunks * laneCount
        let end = (chunk + 1) * lines / step.chunks * laneCount
        network.kernels.updateAdam(
            AdamStep(
                parameters: network.parameters.pointer + start, gradients: network.gradients.pointer + start,
                firstMoments: firstMoments.pointer + start, secondMoments: secondMoments.pointer + start,
                count: end - start, scale: step.scale, limit: step.limit, decay1: Float(1 - Adam.beta1),
                decay2: Float(1 - Adam.beta2), stepSize: step.size, secondCorrection: step.secondCorrection,
                epsilon: Adam.epsilon))
    }
}
