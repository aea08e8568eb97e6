using BatchViz.Core.Numerics;

namespace BatchViz.Core.Tests.Numerics;

public class SymmetricEigenTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(7)]
    [InlineData(60)]
    public void Vectors_are_orthonormal_and_rebuild_the_matrix(int n)
    {
        var random = new Random(n);
        var matrix = new double[n * n];
        for (int i = 0; i < n; i++)
        for (int j = 0; j <= i; j++)
            matrix[i * n + j] = matrix[j * n + i] = random.NextDouble() * 2 - 1;
        var (values, vectors) = SymmetricEigen.Decompose(matrix, n);
        Assert.Equal(values.OrderDescending(), values);
        for (int i = 0; i < n; i++)
        {
            for (int j = 0; j < n; j++)
            {
                double inner = 0,
                    rebuilt = 0;
                for (int k = 0; k < n; k++)
                {
                    inner += vectors[k * n + i] * vectors[k * n + j];
                    rebuilt += vectors[i * n + k] * values[k] * vectors[j * n + k];
                }
                Assert.Equal(i == j ? 1 : 0, inner, tolerance: 1e-12);
                Assert.Equal(matrix[i * n + j], rebuilt, tolerance: 1e-11);
            }
        }
    }

    [Fact]
    public void A_known_matrix_has_its_known_values() =>
        Assert.Equal([3, 1], SymmetricEigen.Decompose([2, 1, 1, 2], 2).Values.Select(v => Math.Round(v, 12)));

    [Fact]
    public void Numbers_that_are_not_finite_end_too() =>
        Assert.Contains(SymmetricEigen.Decompose([double.NaN, 1, 1, double.PositiveInfinity], 2).Values, v => !double.IsFinite(v));
}
