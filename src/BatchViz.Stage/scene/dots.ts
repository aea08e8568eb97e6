/** Round marks of a fixed size on the screen: epochs on a path, true losses on their stems. Faint behind the surface, never gone. */
import { BufferAttribute, BufferGeometry, Color, Group, Points, ShaderMaterial, Sphere } from "three";

const VERTEX = /* glsl */ `
  uniform float size;
  void main() {
    gl_Position = projectionMatrix * modelViewMatrix * vec4(position, 1.0);
    gl_Position.z -= 0.002 * gl_Position.w;
    gl_PointSize = size;
  }`;

const FRAGMENT = /* glsl */ `
  uniform vec3 colour;
  uniform vec3 heart;
  uniform float size;
  uniform float opacity;
  void main() {
    float r = length(gl_PointCoord - 0.5) * size;
    float edge = 1.0 - smoothstep(0.5 * size - 1.0, 0.5 * size, r);
    gl_FragColor = vec4(mix(heart, colour, smoothstep(0.26 * size - 0.7, 0.26 * size + 0.7, r)), edge * opacity);
    #include <colorspace_fragment>
  }`;

export class Dots {
  readonly root = new Group();
  private readonly geometry = new BufferGeometry();
  private readonly positions: BufferAttribute;
  private readonly uniforms = { size: { value: 6 }, colour: { value: new Color() }, heart: { value: new Color() } };
  private readonly materials: ShaderMaterial[];

  constructor(most: number) {
    this.positions = new BufferAttribute(new Float32Array(3 * most), 3);
    this.geometry.setAttribute("position", this.positions);
    this.geometry.setDrawRange(0, 0);
    this.geometry.boundingSphere = new Sphere(); // always drawn, so that nobody need compute it from places that may be NaN
    this.materials = [
      [0.45, false],
      [1, true],
    ].map(
      ([opacity, depthTest]) =>
        new ShaderMaterial({
          vertexShader: VERTEX,
          fragmentShader: FRAGMENT,
          transparent: true,
          depthTest: depthTest as boolean,
          depthWrite: false,
          uniforms: { ...this.uniforms, opacity: { value: opacity } },
        }),
    );
    this.materials.forEach((material, i) => {
      const points = new Points(this.geometry, material);
      points.frustumCulled = false;
      points.renderOrder = 3 + i;
      this.root.add(points);
    });
  }

  get array(): Float32Array {
    return this.positions.array as Float32Array;
  }

  /** Draws the first `count` of them; `written` when their places are new. */
  show(count: number, written: boolean): void {
    this.geometry.setDrawRange(0, count);
    if (written) this.positions.needsUpdate = true;
  }

  setColours(colour: string, heart: string): void {
    this.uniforms.colour.value.set(colour);
    this.uniforms.heart.value.set(heart);
  }

  setSize(pixels: number): void {
    this.uniforms.size.value = pixels;
  }

  dispose(): void {
    this.geometry.dispose();
    for (const material of this.materials) material.dispose();
  }
}
