import Foundation
import Kernels
import ModelFormat
import Threads

/// How gradients are kept from growing too large.
public enum Clipping: Equatable, Sendable {
    /// All gradients are scaled down together, so that their Euclidean norm is at most this (Pascanu et al. 2013).
    case norm(Float)
    /// Every gradient is limited to ± this.
    case element(Float)
    case none
}

/// The Adam optimiser (Kingma and Ba 2015) with β1 = 0.9, β2 = 0.999 and ε = 1e-8.
final class Adam: TeamWork {
    /// The running means of the gradients and of their squares.
    let firstMoments: Parameters
    let secondMoments: Parameters
    /// The number of updates so far.
    var updates = 0

    private static let beta1 = 0.9
    private static let beta2 = 0.999
    private static let epsilon: Float = 1e-8

    /// What the members of a team do next.
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
        let parts: Int
    }

    init(_ layout: ParameterLayout) throws(ModelError) {
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
            let norm = network.trainingBackend.sumOfSquares(network.gradients.pointer, network.gradients.count)
                .squareRoot()
            // PyTorch's clip_grad_norm_ adds the 1e-6.
            scale = min(1, largest / Float(norm + 1e-6))
        case .element(let largest): limit = largest
        case .none: break
        }
        // Some parts a thread, so that who is done early helps the others.
        let parts = 4 * network.team.size
        step = Step(
            network: network, scale: scale, limit: limit, size: Float(learningRate / firstCorrection),
            secondCorrection: Float(1 / secondCorrection.squareRoot()), parts: parts)
        network.team.perform(self, parts: parts)
        step = nil
    }

    override func perform(part: Int, member: Int) {
        guard let step else { return }
        let network = step.network
        let lines = network.parameters.count / laneCount
        let start = part * lines / step.parts * laneCount
        let end = (part + 1) * lines / step.parts * laneCount
        network.trainingBackend.adamUpdate(
            network.parameters.pointer + start, network.gradients.pointer + start, firstMoments.pointer + start,
            secondMoments.pointer + start, end - start, step.scale, step.limit, Float(1 - Adam.beta1),
            Float(1 - Adam.beta2), step.size, step.secondCorrection, Adam.epsilon)
    }
}
