using System.Collections.Immutable;
using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;
using BatchViz.Engine.Torch;

namespace BatchViz.Conformance.Tests.Torch;

/// <summary>
/// The engine calls nothing of TorchSharp's that makes a number's object by itself: a garbage collection can free it while libtorch reads
/// it, once in many thousand updates. What the assembly refers to is what it calls.
/// </summary>
public sealed class ArithmeticTests
{
    /// <summary>Calls that make such objects inside, whatever they are given.</summary>
    private static readonly string[] Inside = ["square", "pow", "softplus", "vector_norm", "op_Addition"];

    /// <summary>Ends the process where shapes do not fit.</summary>
    private const string Aborts = "matmul";

    [Fact]
    public void No_number_goes_to_libtorch_by_TorchSharps_own_conversions()
    {
        using var file = new PEReader(File.OpenRead(typeof(TorchEngine).Assembly.Location));
        var metadata = file.GetMetadataReader();
        var found = new List<string>();
        int tensors = 0;
        foreach (var handle in metadata.MemberReferences)
        {
            var member = metadata.GetMemberReference(handle);
            if (member.Parent.Kind != HandleKind.TypeReference || member.GetKind() != MemberReferenceKind.Method)
                continue;
            string type = metadata.GetString(metadata.GetTypeReference((TypeReferenceHandle)member.Parent).Name),
                name = metadata.GetString(member.Name);
            var parameters = member.DecodeMethodSignature(new TypeNames(), null).ParameterTypes;
            tensors += type == "Tensor" ? 1 : 0;
            bool converts =
                (type == "Scalar" && name == "op_Implicit")
                || (type is "Tensor" or "functional" or "linalg" && Inside.Contains(name))
                || (
                    type == "Tensor"
                    && name is "op_Subtraction" or "op_Multiply" or "op_Division"
                    && parameters.Any(parameter => parameter != "Tensor")
                )
                || (type == "Tensor" && name is "add" or "add_" && parameters.Length == 1);
            if (converts || name == Aborts)
                found.Add($"{type}.{name}({string.Join(", ", parameters)})");
        }
        Assert.True(tensors > 50, $"{tensors} calls of tensors");
        Assert.Empty(found);
    }

    /// <summary>Names of types, as far as they matter here.</summary>
    private sealed class TypeNames : ISignatureTypeProvider<string, object?>
    {
        public string GetPrimitiveType(PrimitiveTypeCode typeCode) => typeCode.ToString();

        public string GetTypeFromReference(MetadataReader reader, TypeReferenceHandle handle, byte rawTypeKind) =>
            reader.GetString(reader.GetTypeReference(handle).Name);

        public string GetTypeFromDefinition(MetadataReader reader, TypeDefinitionHandle handle, byte rawTypeKind) =>
            reader.GetString(reader.GetTypeDefinition(handle).Name);

        public string GetTypeFromSpecification(MetadataReader reader, object? context, TypeSpecificationHandle handle, byte rawTypeKind) =>
            "specification";

        public string GetSZArrayType(string elementType) => $"{elementType}[]";

        public string GetArrayType(string elementType, ArrayShape shape) => $"{elementType}[,]";

        public string GetByReferenceType(string elementType) => $"{elementType}&";

        public string GetPointerType(string elementType) => $"{elementType}*";

        public string GetPinnedType(string elementType) => elementType;

        public string GetGenericInstantiation(string genericType, ImmutableArray<string> arguments) =>
            $"{genericType}<{string.Join(", ", arguments)}>";

        public string GetGenericMethodParameter(object? context, int index) => $"!!{index}";

        public string GetGenericTypeParameter(object? context, int index) => $"!{index}";

        public string GetFunctionPointerType(MethodSignature<string> signature) => "function";

        public string GetModifiedType(string modifier, string unmodifiedType, bool isRequired) => unmodifiedType;
    }
}
