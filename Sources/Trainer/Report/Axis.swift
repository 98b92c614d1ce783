import Foundation

/// An axis of a diagram: a range of values, linear or logarithmic.
struct Axis: Equatable {
    let lower: Double
    let upper: Double
    let isLogarithmic: Bool

    /// An axis for values of a range. Bounds that are equal, and values that a logarithm does not
    /// have, are corrected.
    init(_ range: ClosedRange<Double>, isLogarithmic: Bool = false) {
        self.isLogarithmic = isLogarithmic && range.lowerBound > 0
        lower = range.lowerBound
        let isEmpty = range.upperBound <= range.lowerBound
        upper = isEmpty ? range.lowerBound + max(1, abs(range.lowerBound)) : range.upperBound
    }

    /// A horizontal axis for falling curves: logarithmic if they fall more within its first tenth
    /// than in the rest.
    init(progressOf curves: [[Point]]) {
        let points = curves.flatMap(\.self)
        let range = points.map(\.x).range ?? 0...1
        let early = range.lowerBound + (range.upperBound - range.lowerBound) / 10
        func falls(_ curve: [Point]) -> Bool {
            guard let first = curve.first, let last = curve.last, let middle = curve.first(where: { $0.x >= early })
            else { return false }
            return first.y - middle.y > middle.y - last.y
        }
        self.init(range, isLogarithmic: curves.contains(where: falls))
    }

    /// Where a value is: 0 at the lower bound, 1 at the upper one, and at a bound if it is beyond
    /// it.
    func position(of value: Double) -> Double {
        guard value > lower else { return 0 }
        let fraction =
            isLogarithmic ? log(value / lower) / log(upper / lower) : (value - lower) / (upper - lower)
        return fraction.isFinite ? min(1, fraction) : 1
    }

    /// Round values within the axis for labels and grid lines, at most `count`.
    func ticks(_ count: Int) -> [Double] {
        if isLogarithmic, upper / lower >= 10 {
            for digits in [[1, 2, 5], [1, 3], [1]] as [[Double]] {
                let ticks = decades().flatMap { decade in digits.map { $0 * decade } }
                    .filter { (lower...upper).contains($0) }
                if ticks.count <= count { return ticks }
            }
            let ticks = decades().filter { (lower...upper).contains($0) }
            let every = (ticks.count + count - 1) / count
            return stride(from: 0, to: ticks.count, by: every).map { ticks[$0] }
        }
        let step = Axis.roundStep(atLeast: (upper - lower) / Double(count))
        let first = (lower / step).rounded(.up)
        let last = (upper / step).rounded(.down)
        guard step.isFinite, step > 0, last >= first, last - first < Double(count + 1) else { return [] }
        return stride(from: first, through: last, by: 1).map { $0 * step }
    }

    private func decades() -> [Double] {
        let exponents = log10(lower).rounded(.down)...log10(upper).rounded(.up)
        return stride(from: exponents.lowerBound, through: exponents.upperBound, by: 1).map { pow(10, $0) }
    }

    /// The smallest of 1, 2 and 5 times a power of 10 that is at least `step`.
    static func roundStep(atLeast step: Double) -> Double {
        let decade = pow(10, log10(step).rounded(.down))
        return [1, 2, 5, 10].map { $0 * decade }.first { $0 >= step * 0.999_999 } ?? step
    }
}

/// A point of a curve.
struct Point: Equatable {
    var x: Double
    var y: Double
}

extension Collection where Element == Double {
    /// The smallest and the largest of the finite values; nil if there is none.
    var range: ClosedRange<Double>? {
        let finite = filter(\.isFinite)
        guard let lower = finite.min(), let upper = finite.max() else { return nil }
        return lower...upper
    }
}

extension [Point] {
    /// Points that look the same in a diagram of `columns` columns: of each column the lowest and
    /// the highest, besides the first and the last of all.
    func thinned(along axis: Axis, columns: Int) -> [Point] {
        guard count > 2 * columns else { return self }
        var kept: Set = [0, count - 1]
        let groups = Dictionary(grouping: indices) { Int(axis.position(of: self[$0].x) * Double(columns)) }
        for group in groups.values {
            if let lowest = group.min(by: { self[$0].y < self[$1].y }) { kept.insert(lowest) }
            if let highest = group.max(by: { self[$0].y < self[$1].y }) { kept.insert(highest) }
        }
        return kept.sorted().map { self[$0] }
    }
}
