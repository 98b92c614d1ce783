import CIntrinsics
import Core

/// One update of Adam (Kingma and Ba 2015, algorithm 1), after the gradients are scaled and
/// limited, with decoupled weight decay (Loshchilov and Hutter 2019, algorithm 2), and of the
/// running means of the parameters. `count` is a multiple of ``laneCount``.
func updateAdam(_ step: UnsafePointer<AdamStep>) {
    let step = step.pointee
    let (parameters, gradients) = (step.parameters, step.gradients)
    let (firstMoments, secondMoments) = (step.firstMoments, step.secondMoments)
    for j in stride(from: 0, to: step.count, by: laneCount) {
        var g = Vector(at: gradients + j) * step.scale
        g.replace(with: step.limit, where: g .> step.limit)
        g.replace(with: -step.limit, where: g .< -step.limit)
        let oldM = Vector(at: firstMoments + j)
        let oldV = Vector(at: secondMoments + j)
        let m = oldM + (g - oldM) * step.decay1
        let v = oldV + (g * g - oldV) * step.decay2
        m.store(at: firstMoments + j)
        v.store(at: secondMoments + j)
        let denominator = v.squareRoot() * step.secondCorrection + step.epsilon
        let p = Vector(at: parameters + j) * step.keep - m * step.stepSize / denominator
        p.store(at: parameters + j)
        if let averages = step.averages {
            let average = Vector(at: averages + j)
            (average + (p - average) * step.averageWeight).store(at: averages + j)
        }
    }
}
