/// Memory for one tensor at a time, large enough for the largest of a file.
///
/// ``ModelFile/readTensor(_:into:)`` fills its beginning with a tensor's elements, without gaps between rows. What stands
/// behind them, and in the parts that the tensor's type does not use, is left from other tensors.
public final class TensorBuffer {
    /// Elements of the types float32 and bfloat16, the latter exactly widened.
    public let floats: AlignedBuffer<Float>
    /// Elements of the types int8 and int4 before they are multiplied with their scales: -127...127 or -8...7.
    public let integers: AlignedBuffer<Int8>
    /// For int8 a scale a row; for int4 a scale for each group of ``ElementType/groupSize`` columns, row after row.
    public let scales: AlignedBuffer<Float>
    /// A tensor's bytes before their planes are joined.
    let payload: AlignedBuffer<UInt8>

    /// Memory for the tensors of a file.
    ///
    /// - Throws: `outOfMemory`.
    public convenience init(for file: ModelFile) throws(ModelError) {
        var (floats, integers, scales, payload) = (0, 0, 0, 0)
        for index in 0..<file.shape.tensorCount {
            let tensor = file.shape.tensor(index)
            let type = file.elementType(index)
            switch type {
            case .float32, .bfloat16: floats = max(floats, tensor.count)
            case .int8, .int4: integers = max(integers, tensor.count)
            }
            scales = max(scales, type.scaleCount(of: tensor))
            payload = max(payload, type.payloadLength(of: tensor))
        }
        self.init(
            floats: try AlignedBuffer(count: floats, for: "loading the model"),
            integers: try AlignedBuffer(count: integers, for: "loading the model"),
            scales: try AlignedBuffer(count: scales, for: "loading the model"),
            payload: try AlignedBuffer(count: payload, for: "loading the model"))
    }

    /// Throws nothing: in Embedded mode an object whose initialiser throws half-way is never freed.
    private init(
        floats: AlignedBuffer<Float>, integers: AlignedBuffer<Int8>, scales: AlignedBuffer<Float>,
        payload: AlignedBuffer<UInt8>
    ) {
        self.floats = floats
        self.integers = integers
        self.scales = scales
        self.payload = payload
    }
}
