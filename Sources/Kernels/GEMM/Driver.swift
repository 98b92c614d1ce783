import CIntrinsics
import Core

// The loops around the micro-kernel: over the panels of B, blocks of kc terms, and rows of C.

/// kc: 64 KB of a panel, which the second-level cache holds beside much else.
private let termBlock = 256

/// The largest packed B, in floats, that is taken to stay in the second-level cache from one
/// product to the next.
private let cachedSize = 128 * 1024

/// C ← C₀ + A · B over a packed B. `scratch` is not used.
func multiply(_ product: UnsafePointer<MatrixProduct>) {
    multiplyPacked(FloatProduct.self, product.pointee)
}

/// ``multiply(_:)`` of elements of any kind.
@inline(__always)
func multiplyPacked<E: ElementProduct>(_ element: E.Type, _ product: MatrixProduct) {
    let (n, k) = (product.n, product.k)
    let isCached = k * n <= cachedSize
    var prefetch = PrefetchCursor(place: product.prefetch ?? product.b)
    if isCached, product.prefetch != nil {
        // Evenly over all terms of all tiles.
        let places =
            divideRoundingUp(n, by: 64) * product.blocks * Tiling(rows: product.m).count * k
        prefetch.step = divideRoundingUp(product.prefetchCount, by: places)
    }
    var column = 0
    while column < n {
        let width = panelWidth(n - column)
        let panel = product.b + column * k
        for start in stride(from: 0, to: k, by: termBlock) {
            let count = min(termBlock, k - start)
            let b = panel + start * width
            if isCached {
                prefetch.advance = prefetch.step * count
            } else {
                // Of each row of what follows b in memory, a line a tile.
                prefetch = PrefetchCursor(place: b + count * width, step: width, advance: laneCount)
            }
            for block in 0..<product.blocks {
                let c = product.c + block * product.cBlock + column
                let bias = start == 0 ? product.bias.map { $0 + column } : nil
                multiplyPanel(
                    element,
                    PanelProduct(
                        a: RowMajor(
                            pointer: product.a + block * product.aBlock + start, rowStride: product.aStride),
                        b: b, bStride: width, terms: count, origin: bias ?? UnsafePointer(c),
                        originStride: bias == nil ? product.cStride : 0, c: c, cStride: product.cStride),
                    rows: product.m, columns: width, &prefetch)
            }
        }
        column += width
    }
}

/// The most rows of C in ``multiplyTransposed(_:)``.
public let transposedProductRows = 256

/// The most terms of ``multiplyTransposed(_:)``: a panel of B fills two thirds of the first-level
/// cache.
public let transposedProductTerms = 128

/// The floats of its scratch memory: a panel of B; in bfloat16, in half the size, A too.
public let transposedProductScratch = transposedProductTerms / 2 * (transposedProductRows + laneCount + 64)

/// C ← C + Aᵀ · B, where A and B are `k` rows of larger matrices that are taken block by block: the
/// rows that come next in memory are prefetched meanwhile.
func multiplyTransposed(_ product: UnsafePointer<MatrixProduct>) {
    let product = product.pointee
    let (n, k) = (product.n, product.k)
    // Half of the panels prefetch the rows after A, the others those after B.
    let panels = divideRoundingUp(n, by: 64)
    let aPanels = product.continuesA ? (panels + 1) / 2 : 0
    let tiles = Tiling(rows: product.m).count
    var prefetch = PrefetchCursor(
        place: product.a + k * product.aStride, step: product.aStride,
        advance: product.m / (max(aPanels, 1) * tiles) + 1)
    var column = 0
    while column < n {
        let width = panelWidth(n - column)
        for p in 0..<k {
            copy(product.b + p * product.bStride + column, to: product.scratch + p * width, count: width)
        }
        if column == aPanels * 64 {
            prefetch = PrefetchCursor(
                place: product.b + k * product.bStride, step: product.bStride,
                advance: n / ((panels - aPanels) * tiles) + 1)
        }
        multiplyPanel(
            FloatProduct.self,
            PanelProduct(
                a: ColumnMajor(pointer: product.a, columnStride: product.aStride), b: product.scratch, bStride: width,
                terms: k, origin: product.c + column, originStride: product.cStride, c: product.c + column,
                cStride: product.cStride),
            rows: product.m, columns: width, &prefetch)
        column += width
    }
}
