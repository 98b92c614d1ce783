import Foundation
import ModelFormat

/// Character models of order 0 to 6: the probability of a symbol given up to six before it.
///
/// A model of order k is interpolated with that of order k − 1, and order 0 with the uniform
/// distribution, by the method of Witten and Bell ("The zero-frequency problem", IEEE Transactions
/// on Information Theory 37, 1991, method C; in this form in Chen and Goodman, "An empirical study
/// of smoothing techniques for language modeling", 1999):
///
///     P(w | h) = (count(h w) + types(h) · P(w | h′)) / (tokens(h) + types(h))
///
/// h′ is h without its first symbol, tokens(h) the number of symbols seen after h, types(h) the
/// number of different ones.
struct NGramModels {
    static let maximumOrder = 6

    /// A sequence of symbols that was seen, in a trie.
    private struct Node {
        /// How often it was predicted: its last symbol after the others.
        var count = 0
        var tokens = 0
        var types = 0
    }

    /// The trie's nodes, the empty sequence first.
    private var nodes = [Node()]
    /// The number of the node that extends another by a symbol.
    private var children: [Int: Int] = [:]
    private let vocabularySize: Int
    private let endOfDocument: Int?

    /// The last symbols of a text: for each number of symbols the node of that many, nil if they
    /// were not seen.
    struct Context {
        fileprivate var nodes: [Int?] = [0] + Array(repeating: nil, count: maximumOrder)
    }

    /// Counts the symbols of the passages.
    init(_ vocabulary: Vocabulary, _ passages: [Passage]) {
        vocabularySize = vocabulary.count
        endOfDocument = vocabulary.endOfDocument
        for passage in passages {
            var context = Context()
            if let first = passage.given ?? endOfDocument { count(first, after: &context, isPredicted: false) }
            for symbol in passage.symbols { count(symbol, after: &context, isPredicted: true) }
        }
    }

    private mutating func count(_ symbol: Int, after context: inout Context, isPredicted: Bool) {
        for order in (0...NGramModels.maximumOrder).reversed() {
            guard let node = context.nodes[order] else { continue }
            let child = children[key(node, symbol)] ?? nodes.count
            if child == nodes.count {
                nodes.append(Node())
                children[key(node, symbol)] = child
            }
            if isPredicted {
                nodes[node].tokens += 1
                if nodes[child].count == 0 { nodes[node].types += 1 }
                nodes[child].count += 1
            }
            if order < NGramModels.maximumOrder { context.nodes[order + 1] = child }
        }
    }

    private func key(_ node: Int, _ symbol: Int) -> Int { node * vocabularySize + symbol }

    /// The context at the start of a passage.
    func context(of passage: Passage) -> Context {
        var context = Context()
        // A document follows the end of another.
        if let first = passage.given ?? endOfDocument { advance(&context, first) }
        return context
    }

    /// Appends a symbol to a context.
    func advance(_ context: inout Context, _ symbol: Int) {
        for order in (0..<NGramModels.maximumOrder).reversed() {
            context.nodes[order + 1] = context.nodes[order].flatMap { children[key($0, symbol)] }
        }
    }

    /// The probability of the next symbol in the model of each order, from 0.
    func probabilities(of symbol: Int, after context: Context) -> [Double] {
        var probability = 1 / Double(vocabularySize)
        return context.nodes.map { node in
            if let node, nodes[node].tokens > 0 {
                let count = children[key(node, symbol)].map { nodes[$0].count } ?? 0
                let types = Double(nodes[node].types)
                probability = (Double(count) + types * probability) / (Double(nodes[node].tokens) + types)
            }
            return probability
        }
    }

    /// The cross-entropy of each order's model in bits a symbol, from order 0.
    func bits(_ passages: [Passage]) -> [Double] {
        var sums = [Double](repeating: 0, count: NGramModels.maximumOrder + 1)
        var count = 0
        for passage in passages {
            var context = context(of: passage)
            for symbol in passage.symbols {
                for (order, probability) in probabilities(of: symbol, after: context).enumerated() {
                    sums[order] -= log2(probability)
                }
                advance(&context, symbol)
            }
            count += passage.symbols.count
        }
        return sums.map { $0 / Double(max(1, count)) }
    }
}
