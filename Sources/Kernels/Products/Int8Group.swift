// The sums of a group of panels of 8-bit weights, in blocks whose accumulators stay in registers.

#if !arch(wasm32)
    import CIntrinsics
    import Core

    // The compiler inlines only so much into one function, so each of these is one by itself.

    /// A group of panels, one vector.
    @inline(never)
    private func addGroup(
        _ group: UnsafeRawPointer, _ height: Int, _ quads: Int, _ inputs: UnsafePointer<UnsafeRawPointer>,
        _ y: UnsafeMutablePointer<Float>
    ) {
        guard hasFusedMultiplyAdd else {
            // Four panels would need more accumulators than there are registers.
            for panel in Swift.stride(from: 0, to: height, by: 2 * laneCount) {
                if panel + laneCount < height {
                    addBlock(2, 1, group + 4 * panel, height, quads, inputs, y + panel, 0)
                } else {
                    addBlock(1, 1, group + 4 * panel, height, quads, inputs, y + panel, 0)
                }
            }
            return
        }
        switch height {
        case laneCount: addBlock(1, 1, group, height, quads, inputs, y, 0)
        case 2 * laneCount: addBlock(2, 1, group, height, quads, inputs, y, 0)
        case 3 * laneCount: addBlock(3, 1, group, height, quads, inputs, y, 0)
        default: addBlock(4, 1, group, height, quads, inputs, y, 0)
        }
    }

    /// A group of panels, one vector or several.
    @inline(__always)
    func addGroup(
        _ group: UnsafeRawPointer, _ height: Int, _ quads: Int, _ inputs: UnsafePointer<UnsafeRawPointer>, _ count: Int,
        _ y: UnsafeMutablePointer<Float>, _ stride: Int
    ) {
        if count == 1 { return addGroup(group, height, quads, inputs, y) }
        #if AVX512
            if height == groupRows { return addFullGroup(group, quads, inputs, count, y, stride) }
        #endif
        for panel in Swift.stride(from: 0, to: height, by: laneCount) {
            addPanel(group + 4 * panel, height, quads, inputs, count, y + panel, stride)
        }
    }

    #if AVX512
        /// A full group, several vectors: 32 registers hold the accumulators of four panels for six
        /// vectors.
        @inline(never)
        private func addFullGroup(
            _ group: UnsafeRawPointer, _ quads: Int, _ inputs: UnsafePointer<UnsafeRawPointer>, _ count: Int,
            _ y: UnsafeMutablePointer<Float>, _ stride: Int
        ) {
            var index = 0
            while index < count {
                let vectors = vectorsAtOnce(of: count - index, most: 6)
                let (x, y) = (inputs + index, y + index * stride)
                switch vectors {
                case 6: addBlock(4, 6, group, groupRows, quads, x, y, stride)
                case 4: addBlock(4, 4, group, groupRows, quads, x, y, stride)
                case 3: addBlock(4, 3, group, groupRows, quads, x, y, stride)
                case 2: addBlock(4, 2, group, groupRows, quads, x, y, stride)
                default: addBlock(4, 1, group, groupRows, quads, x, y, stride)
                }
                index += vectors
            }
        }
    #endif

    /// A panel of a group, several vectors.
    @inline(never)
    private func addPanel(
        _ panel: UnsafeRawPointer, _ height: Int, _ quads: Int, _ inputs: UnsafePointer<UnsafeRawPointer>, _ count: Int,
        _ y: UnsafeMutablePointer<Float>, _ stride: Int
    ) {
        var index = 0
        while index < count {
            let vectors = vectorsAtOnce(of: count - index, most: 4)
            let (x, y) = (inputs + index, y + index * stride)
            switch vectors {
            case 4: addBlock(1, 4, panel, height, quads, x, y, stride)
            case 3: addBlock(1, 3, panel, height, quads, x, y, stride)
            case 2: addBlock(1, 2, panel, height, quads, x, y, stride)
            default: addBlock(1, 1, panel, height, quads, x, y, stride)
            }
            index += vectors
        }
    }

    /// Four columns of one to four panels.
    private struct Weights {
        let a: ByteVector
        let b: ByteVector
        let c: ByteVector
        let d: ByteVector

        @inline(__always)
        init(_ count: Int, at source: UnsafeRawPointer) {
            a = ByteVector(at: source)
            b = count > 1 ? ByteVector(at: source + 64) : a
            c = count > 2 ? ByteVector(at: source + 128) : a
            d = count > 3 ? ByteVector(at: source + 192) : a
        }
    }

    /// The accumulators of one to four panels for one vector.
    private struct PanelAccumulators {
        private var a: ByteAccumulators
        private var b: ByteAccumulators
        private var c: ByteAccumulators
        private var d: ByteAccumulators

        @inline(__always)
        init(_ count: Int, at source: UnsafeRawPointer) {
            a = ByteAccumulators(at: source)
            b = count > 1 ? ByteAccumulators(at: source + 64) : a
            c = count > 2 ? ByteAccumulators(at: source + 128) : a
            d = count > 3 ? ByteAccumulators(at: source + 192) : a
        }

        @inline(__always)
        mutating func add(_ count: Int, _ weights: Weights, times x: UnsafeRawPointer) {
            let x = ByteVector(repeatingFourAt: x)
            a.add(unsigned: x, signed: weights.a)
            if count > 1 { b.add(unsigned: x, signed: weights.b) }
            if count > 2 { c.add(unsigned: x, signed: weights.c) }
            if count > 3 { d.add(unsigned: x, signed: weights.d) }
        }

        /// Multiplies the exact accumulators with their scales and adds them to `y`.
        @inline(__always)
        func finish(_ count: Int, _ scales: UnsafeRawPointer, _ y: UnsafeMutablePointer<Float>) {
            finish(a, scales, y)
            if count > 1 { finish(b, scales + 64, y + 16) }
            if count > 2 { finish(c, scales + 128, y + 32) }
            if count > 3 { finish(d, scales + 192, y + 48) }
        }

        @inline(__always)
        private func finish(_ exact: ByteAccumulators, _ scales: UnsafeRawPointer, _ y: UnsafeMutablePointer<Float>) {
            Vector(at: y).adding(exact.floats, times: Vector(at: scales.assumingMemoryBound(to: Float.self))).store(
                at: y)
        }
    }

    /// `panels` panels of a group, 1 to 4, and `vectors` vectors, 1 to 6. Both numbers are
    /// constants where this is inlined, so that unused branches cost nothing.
    @inline(__always)
    private func addBlock(
        _ panels: Int, _ vectors: Int, _ group: UnsafeRawPointer, _ height: Int, _ quads: Int,
        _ inputs: UnsafePointer<UnsafeRawPointer>, _ y: UnsafeMutablePointer<Float>, _ stride: Int
    ) {
        func input(_ vector: Int) -> UnsafeRawPointer { inputs[vector < vectors ? vector : 0] }
        let (p, q, r, s, t, u) = (input(0), input(1), input(2), input(3), input(4), input(5))
        let scales = group + 4 * height
        var w = group + 8 * height
        var a = PanelAccumulators(panels, at: group)
        var b = a
        var c = a
        var d = a
        var e = a
        var f = a
        for index in 0..<quads {
            let values = Weights(panels, at: w)
            let place = quad * index
            a.add(panels, values, times: p + place)
            if vectors > 1 { b.add(panels, values, times: q + place) }
            if vectors > 2 { c.add(panels, values, times: r + place) }
            if vectors > 3 { d.add(panels, values, times: s + place) }
            if vectors > 4 { e.add(panels, values, times: t + place) }
            if vectors > 5 { f.add(panels, values, times: u + place) }
            if vectors > 1 {
                // The same place in the next group, which the hardware prefetcher does not foresee.
                let next = w + quad &* height &* quads
                ci_prefetch(next)
                if panels > 1 { ci_prefetch(next + 64) }
                if panels > 2 { ci_prefetch(next + 128) }
                if panels > 3 { ci_prefetch(next + 192) }
            }
            w += quad * height
        }
        a.finish(panels, scales, y)
        if vectors > 1 { b.finish(panels, scales, y + stride) }
        if vectors > 2 { c.finish(panels, scales, y + 2 &* stride) }
        if vectors > 3 { d.finish(panels, scales, y + 3 * stride) }
        if vectors > 4 { e.finish(panels, scales, y + 4 * stride) }
        if vectors > 5 { f.finish(panels, scales, y + 5 * stride) }
    }
#endif
