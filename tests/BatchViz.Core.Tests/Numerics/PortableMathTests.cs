using BatchViz.Core.Numerics;

namespace BatchViz.Core.Tests.Numerics;

public class PortableMathTests
{
    [Fact]
    public void The_cosine_is_the_cosine()
    {
        for (int i = 0; i <= 100_000; i++)
            Assert.Equal(Math.Cos(Math.PI * i / 100_000), PortableMath.CosPi(i / 100_000.0), 1e-15);
        Assert.Equal([1, 0, -1], new[] { 0, 0.5, 1 }.Select(PortableMath.CosPi));
    }

    /// <summary>The bits that every machine must give.</summary>
    [Fact]
    public void The_cosine_has_known_bits()
    {
        ulong hash = 14695981039346656037;
        for (int i = 0; i <= 1000; i++)
            hash = (hash ^ BitConverter.DoubleToUInt64Bits(PortableMath.CosPi(i / 1000.0))) * 1099511628211;
        Assert.Equal(944451278321870390UL, hash);
    }

    [Fact]
    public void Powers_are_products()
    {
        foreach (double x in new[] { 0, 0.5, 0.999, 1.1, 2 })
        {
            double product = 1;
            for (int n = 0; n < 60; n++, product *= x)
                Assert.Equal(product, PortableMath.Power(x, n), 1e-14 * product);
        }
        Assert.Equal(0, PortableMath.Power(0.9, 1_000_000_000_000));
    }
}
