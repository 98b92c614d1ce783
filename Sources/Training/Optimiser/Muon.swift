import CIntrinsics
import Core
import KernelDispatch
import ModelFormat

/// The Muon optimiser (Jordan et al. 2024, https://kellerjordan.github.io/posts/muon/) for the
/// matrices between hidden units.
///
/// A step is the gradient's running mean, as it will be if the gradient stays as it is (Nesterov),
/// with all its singular values made nearly equal: of U·S·Vᵀ it keeps U·Vᵀ. That is done for each
/// gate's square block alone. A step has a root mean square of ``stepSize`` times the learning
/// rate, less than Adam's: so one learning rate suits both.
final class Muon {
    /// The places in the parameters of the blocks that are updated here.
    let blocks: [Int]
    private let network: Network
    private let width: Int
    private let workspaces: [Workspace]

    /// The weight of the past in the running mean of the gradients.
    private static let momentum: Float = 0.95
    private static let stepSize: Float = 0.1
    /// The iterations of ``orthogonalise(_:)``.
    private static let iterations = 3

    /// Whether Muon updates a tensor.
    static func updates(_ tensor: TensorShape) -> Bool {
        tensor.isRecurrentMatrix
    }

    /// - Parameter ranges: Whose blocks are updated.
    init(_ network: Network, within ranges: [Range<Int>]) throws(ChargenError) {
        self.network = network
        let width = network.layout.width
        self.width = width
        blocks = (0..<network.shape.tensorCount).filter { Muon.updates(network.shape.tensor($0)) }.flatMap { tensor in
            let range = network.layout.range(of: tensor)
            return stride(from: range.lowerBound, to: range.upperBound, by: width * width)
        }.filter { block in ranges.contains { $0.contains(block) } }
        var workspaces: [Workspace] = []
        for _ in 0..<network.pool.size { workspaces.append(try Workspace(width)) }
        self.workspaces = workspaces
    }

    /// A worker's memory, [width, width] each.
    private struct Workspace {
        let step: AlignedBuffer<Float>
        let polynomial: AlignedBuffer<Float>
        let sum: AlignedBuffer<Float>
        let packed: AlignedBuffer<Float>
        /// What the products need.
        let scratch: AlignedBuffer<Float>

        init(_ width: Int) throws(ChargenError) {
            step = try AlignedBuffer(count: width * width, for: "the optimiser")
            polynomial = try AlignedBuffer(count: width * width, for: "the optimiser")
            sum = try AlignedBuffer(count: width * width, for: "the optimiser")
            packed = try AlignedBuffer(count: width * width, for: "the optimiser")
            scratch = try AlignedBuffer(count: width * width, for: "the optimiser")
        }
    }

    /// Updates a block of the parameters. O(width³).
    ///
    /// - Parameters:
    ///   - moments: The running means of the gradients.
    ///   - averages: The running means of the parameters; nil for none.
    ///   - worker: The worker whose memory is used.
    func update(block: Int, _ step: Optimiser.Step, moments: Parameters, averages: Parameters?, worker: Int) {
        let count = width * width
        let place = blocks[block]
        let gradients = network.gradients.pointer + place
        let moments = moments.pointer + place
        let direction = workspaces[worker].step.pointer
        for j in 0..<count {
            let gradient = max(-step.limit, min(step.limit, gradients[j] * step.scale))
            moments[j] += (gradient - moments[j]) * (1 - Muon.momentum)
            direction[j] = gradient + (moments[j] - gradient) * Muon.momentum
        }
        orthogonalise(workspaces[worker])
        let parameters = network.parameters.pointer + place
        // An orthogonal matrix of n rows has a root mean square of 1 / √n.
        let size = Float(step.learningRate) * Muon.stepSize * Float(network.shape.hiddenSize).squareRoot()
        for j in 0..<count { parameters[j] = parameters[j] * step.keep - direction[j] * size }
        guard let averages = averages.map({ $0.pointer + place }) else { return }
        for j in 0..<count { averages[j] += (parameters[j] - averages[j]) * step.averageWeight }
    }

    /// Replaces the step X by roughly U·Vᵀ of its singular value decomposition, from a norm of 1:
    /// X ← aX + (bS + cS²)X with S = X·Xᵀ, a Newton–Schulz iteration whose coefficients raise small
    /// singular values fast. More iterations make no better models: see `docs/recipes.md`.
    private func orthogonalise(_ memory: Workspace) {
        let count = width * width
        let (a, b, c): (Float, Float, Float) = (3.4445, -4.7750, 2.0315)
        let (x, polynomial, sum) = (memory.step.pointer, memory.polynomial.pointer, memory.sum.pointer)
        let (packed, scratch) = (memory.packed.pointer, memory.scratch.pointer)
        let kernels = network.kernels
        // A gradient of zero stays zero.
        let norm = max(Float(kernels.sumOfSquares(x, count).squareRoot()), .leastNormalMagnitude)
        for j in 0..<count { x[j] /= norm }
        for _ in 0..<Muon.iterations {
            packTransposed(x, into: packed)
            sum.update(repeating: 0, count: count)
            multiply(x, packed, addingTo: sum, scratch)
            kernels.packRows(sum, 0, width, width, width, packed)
            // The products add to what is there, so that it is scaled rather than the product.
            for j in 0..<count { polynomial[j] = sum[j] * (b / c) }
            multiply(sum, packed, addingTo: polynomial, scratch)
            kernels.packRows(x, 0, width, width, width, packed)
            for j in 0..<count { sum[j] = x[j] * (a / c) }
            multiply(polynomial, packed, addingTo: sum, scratch)
            for j in 0..<count { x[j] = sum[j] * c }
        }
    }

    private func packTransposed(_ matrix: UnsafePointer<Float>, into packed: UnsafeMutablePointer<Float>) {
        for first in stride(from: 0, to: width, by: PackedWeights.chunkRows) {
            network.kernels.packTransposed(
                matrix + first * width, min(PackedWeights.chunkRows, width - first), width,
                packed + first * width / network.kernels.elementsPerFloat)
        }
    }

    /// C ← C + A · B of square matrices, B packed.
    private func multiply(
        _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, addingTo c: UnsafeMutablePointer<Float>,
        _ scratch: UnsafeMutablePointer<Float>
    ) {
        var product = MatrixProduct(
            a: a, aStride: width, aBlock: 0, b: b, bStride: 0, bias: nil, c: c, cStride: width, cBlock: 0,
            m: width, blocks: 1, n: width, k: width, prefetch: nil, prefetchCount: 0, continuesA: false,
            scratch: scratch)
        network.kernels.multiply(&product)
    }
}
