import ArgumentParser
import Core
import Foundation

/// An option of `trainer train` with one of its values.
struct Choice: Codable, Hashable {
    /// The option's name without dashes.
    let name: String
    let value: String

    /// The argument that gives the option its value, if any. `true` and `false` are for flags: no
    /// option has such a value.
    var argument: String? {
        switch value {
        case "true": "--\(name)"
        case "false": nil
        default: "--\(name)=\(value)"
        }
    }
}

/// An option of `trainer train` and the values that a sweep gives it.
struct Variation: Equatable {
    enum Values: Equatable {
        case list([String])
        case integers(ClosedRange<Int>)
        case numbers(ClosedRange<Double>)
    }

    let name: String
    let values: Values

    /// A range whose upper bound is at least this many times the lower one, which is above 0, is
    /// drawn from on a logarithmic scale.
    private static let logarithmicRatio = 10.0

    /// - Parameter text: Such as `hidden=64,128`, or `learning-rate=0.002..0.02`, a range.
    /// - Throws: `ValidationError`.
    init(_ text: String) throws {
        let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2, let first = parts[0].first, first != "-" else {
            throw ValidationError(
                "it must be an option's name without dashes, '=' and values, such as hidden=64,128 or "
                    + "learning-rate=0.002..0.02")
        }
        name = String(parts[0])
        if let range = try Variation.range(parts[1]) {
            values = range
        } else {
            let list = parts[1].split(separator: ",", omittingEmptySubsequences: false).map(String.init)
            guard !list.contains("") else { throw ValidationError("a value is empty") }
            guard Set(list).count == list.count else { throw ValidationError("a value occurs twice") }
            values = .list(list)
        }
    }

    /// A range such as `1..9`; nil if the text is none.
    private static func range(_ text: Substring) throws -> Values? {
        guard let dots = text.range(of: ".."), let lower = Double(text[..<dots.lowerBound]),
            let upper = Double(text[dots.upperBound...]), lower.isFinite, upper.isFinite
        else { return nil }
        guard lower < upper else { throw ValidationError("a range must be from a smaller number to a larger one") }
        if let first = Int(text[..<dots.lowerBound]), let last = Int(text[dots.upperBound...]),
            max(first.magnitude, last.magnitude) < 1 << 53
        {
            return .integers(first...last)
        }
        return .numbers(lower...upper)
    }

    /// The value at a place of a range or a list.
    ///
    /// - Parameter place: 0 ..< 1, from the lowest value to the highest.
    func value(at place: Double) -> String {
        switch values {
        case .list(let values):
            return values[Int(place * Double(values.count))]
        case .integers(let range):
            // Each integer has the interval up to the next one.
            let number = Variation.number(at: place, Double(range.lowerBound)...(Double(range.upperBound) + 1))
            return "\(min(max(Int(number.rounded(.down)), range.lowerBound), range.upperBound))"
        case .numbers(let range):
            let number = Variation.number(at: place, range)
            // Three digits, so that a command is short enough to be copied.
            let rounded = Double(String(format: "%.3g", number)) ?? number
            return "\(min(max(rounded, range.lowerBound), range.upperBound))"
        }
    }

    private static func number(at place: Double, _ range: ClosedRange<Double>) -> Double {
        let (lower, upper) = (range.lowerBound, range.upperBound)
        guard lower > 0, upper >= logarithmicRatio * lower else { return lower + place * (upper - lower) }
        return lower * pow(upper / lower, place)
    }
}

extension [Variation] {
    /// Every combination of the values, those of the last variation changing fastest.
    ///
    /// - Throws: `ValidationError` if there is a range, or if there are more than `limit`.
    func grid(limit: Int) throws -> [[Choice]] {
        var combinations: [[Choice]] = [[]]
        for variation in self {
            guard case .list(let values) = variation.values else {
                throw ValidationError(
                    "--vary \(variation.name) is a range: say with --random how many choices to draw.")
            }
            guard combinations.count * values.count <= limit else {
                throw ValidationError(
                    "The values of --vary have more than \(limit) combinations: leave some out, or draw from them with "
                        + "--random.")
            }
            combinations = combinations.flatMap { combination in
                values.map { combination + [Choice(name: variation.name, value: $0)] }
            }
        }
        return combinations
    }

    /// The most draws, one after the other, that may give choices drawn before.
    private static var mostRepetitions: Int { 100_000 }

    /// Random choices, all different. The first ones do not depend on how many are drawn.
    ///
    /// - Throws: `ValidationError` when there are fewer.
    func draws(_ count: Int, seed: UInt64) throws -> [[Choice]] {
        var random = SplitMix64(seed: seed)
        var draws: [[Choice]] = []
        var known: Set<[Choice]> = []
        var repetitions = 0
        while draws.count < count {
            let draw = map { variation in
                let place = Double(random.next() >> 11) * 0x1p-53
                return Choice(name: variation.name, value: variation.value(at: place))
            }
            if known.insert(draw).inserted {
                draws.append(draw)
                repetitions = 0
            } else {
                repetitions += 1
                guard repetitions < Self.mostRepetitions else {
                    throw ValidationError(
                        "The values of --vary have only \(draws.count) combinations, fewer than --random \(count).")
                }
            }
        }
        return draws
    }
}
