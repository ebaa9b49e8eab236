"""The calls of layers that `make_layers` asks TensorFlow 1.15 for, and the tests here.

A line is a layer, the shapes of its inputs, and what else it is called with:

    LAYER @ SHAPE ... [@ ARGUMENTS]

`2?` in a shape is a size of 2 that is not known beforehand; `3x4:int32` holds whole
numbers under 5. `masked` among the arguments gives each input a mask of its steps.
"""

CASES = """
Dense(3) @ 2x4
Dense(3, activation='relu', kernel_regularizer='l2', use_bias=False) @ 2?x4
Dense(2, activation='softmax', bias_constraint='non_neg', name='top') @ 2?x3x4
Dense(units=3, kernel_initializer='he_normal', bias_initializer='ones') @ 2x3?x4
Dense(2, activity_regularizer='l1', input_shape=(4,)) @ 2x4
Dense(2) @ 2x4? @
Dense(2) @ 4
Dense(2) @ 2x4:int32
Activation('tanh') @ 2x3
Activation('hard_sigmoid') @ 2?x3
Activation('selu') @ 2x3
Activation('exponential') @ 2x3
Activation('softsign') @ 2x3
Dropout(0.4) @ 2x5
Dropout(0.4, seed=7) @ 4x5 @ training=True
Dropout(0.4, noise_shape=(None, 1), seed=7) @ 4x5 @ training=True
SpatialDropout1D(0.4) @ 3x4x5
SpatialDropout2D(0.4, data_format='channels_first') @ 2x3x2x2
SpatialDropout3D(0.4) @ 1x2x2x2x3
Flatten() @ 2?x3x4
Flatten(data_format='channels_first') @ 2x3x4x2
Flatten() @ 2x3?x4
Reshape((2, 6)) @ 2?x3x4
Reshape((-1, 2)) @ 2x3x4
Permute((2, 1)) @ 2?x3x4
Permute((1, 3)) @ 2x3x4
RepeatVector(3) @ 2?x4
Masking(mask_value=0.0) @ 2x3x2
ActivityRegularization(l1=0.1, l2=0.2) @ 2x3
LeakyReLU() @ 2x3
LeakyReLU(alpha=0.1) @ 2?x3
PReLU() @ 2x3x4
PReLU(shared_axes=[1, 2], alpha_initializer='ones') @ 2?x3x4x2
ELU(alpha=0.5) @ 2x3
ThresholdedReLU(theta=0.5) @ 2x3
Softmax(axis=1) @ 2x3x4
ReLU() @ 2x3
ReLU(max_value=1.0, negative_slope=0.1, threshold=0.2) @ 2x5
ReLU() @ 2x3x2 @ masked
LeakyReLU() @ 2x3x2 @ masked
ReLU(max_value=-1.0) @ 2x5
Embedding(5, 3) @ 2x4:int32
Embedding(5, 3, input_length=4, embeddings_regularizer='l1') @ 2?x4:int32
Embedding(5, 3, mask_zero=True) @ 2x4:int32
Embedding(5, 3) @ 2x4:float32
Embedding(5, 3, input_length=3) @ 2x4:int32
GaussianNoise(0.3) @ 2x5
GaussianNoise(0.3) @ 2x5 @ training=True
GaussianDropout(0.3) @ 2x5
GaussianDropout(0.3) @ 2x5 @ training=True
AlphaDropout(0.3) @ 2x5
AlphaDropout(0.3, seed=5) @ 2x5 @ training=True
BatchNormalization() @ 3x4
BatchNormalization() @ 3x4 @ training=True
BatchNormalization(momentum=0.9, epsilon=0.01) @ 3?x4x2 @ training=True
BatchNormalization(scale=False) @ 2x3x3x4 @ training=True
BatchNormalization(center=False) @ 2x3x3x4
BatchNormalization(axis=1, fused=False) @ 2x3x2x2 @ training=True
BatchNormalization(axis=[1, 2]) @ 4x3x2 @ training=True
BatchNormalization(fused=False, gamma_regularizer='l2') @ 2x3x3x4 @ training=True
BatchNormalization(trainable=False) @ 2x3x3x4 @ training=True
BatchNormalization(renorm=True) @ 3x4 @ training=True
BatchNormalization(virtual_batch_size=2) @ 4x3 @ training=True
BatchNormalization() @ 3x4 @ training=tf.constant(True)
BatchNormalization() @ 2x3x3x4 @ training=tf.placeholder_with_default(True, [])
BatchNormalization(axis=7) @ 3x4
LayerNormalization() @ 3x4
LayerNormalization(axis=1, epsilon=0.01) @ 3?x4x2
LayerNormalization(axis=[1, 2], center=False) @ 3x4x2
Conv1D(3, 2) @ 2x5x2
Conv1D(3, 3, padding='causal', dilation_rate=2) @ 2?x5x2
Conv1D(3, 2, strides=2, padding='same', activation='relu') @ 2x5?x2
Conv2D(3, 2) @ 2x4x4x2
Conv2D(3, (2, 3), strides=(2, 1), padding='same', activation='tanh') @ 2?x4x5x2
Conv2D(3, 2, dilation_rate=2, kernel_regularizer='l2') @ 1x5x5x2
Conv2D(3, 2, padding='causal') @ 1x5x5x2
Conv2D(3, 2) @ 1x5x5x2?
Conv2D(3, 2) @ 1x5x5
Conv2D(3, (2, 2, 2)) @ 1x5x5x2
Conv2D(3, 2, padding='full') @ 1x5x5x2
Conv3D(2, 2) @ 1x3x3x3x2
Conv3D(2, 2, strides=(1, 2, 1), padding='same') @ 1?x3x4x3x1
Conv2DTranspose(3, 2) @ 2x3x3x2
Conv2DTranspose(3, 3, strides=2, padding='same') @ 2?x3x4x2
Conv2DTranspose(3, 3, strides=(2, 2), output_padding=1, use_bias=False) @ 1x3x3x2
Conv2DTranspose(3, 3, strides=1, output_padding=1) @ 1x3x3x2
Conv3DTranspose(2, 2, strides=2) @ 1x2x2x2x2
Conv3DTranspose(2, 2, padding='same') @ 1?x2x3x2x1
SeparableConv1D(3, 2, depth_multiplier=2) @ 2x5x2
SeparableConv1D(3, 2, padding='causal', activation='relu') @ 2?x5x2
SeparableConv2D(3, 2) @ 1x4x4x2
SeparableConv2D(3, 2, strides=2, padding='same', depth_multiplier=2) @ 1?x4x5x2
DepthwiseConv2D(2) @ 1x4x4x2
DepthwiseConv2D(2, strides=2, padding='same', depth_multiplier=3) @ 1?x4x5x2
LocallyConnected1D(3, 2) @ 2?x5x2
LocallyConnected1D(3, 2, strides=2, activation='tanh', use_bias=False) @ 2x5x2
LocallyConnected1D(3, 2, data_format='channels_first') @ 2x2x5
LocallyConnected1D(3, 3, padding='same', implementation=2) @ 2?x5x2
LocallyConnected1D(3, 2, data_format='channels_first', implementation=2) @ 2x2x5
LocallyConnected1D(3, 3, padding='same', strides=2, implementation=3) @ 2?x5x2
LocallyConnected1D(3, 2, data_format='channels_first', implementation=3) @ 2x2x5
LocallyConnected1D(3, 2, padding='same') @ 2x5x2
LocallyConnected1D(3, 2, implementation=4) @ 2x5x2
LocallyConnected1D(3, 2) @ 2x5x2?
LocallyConnected2D(2, 2) @ 2?x3x4x2
LocallyConnected2D(2, (2, 3), strides=(1, 2), data_format='channels_first') @ 2x2x3x5
LocallyConnected2D(2, 2, implementation=2) @ 2?x3x4x2
LocallyConnected2D(2, 2, data_format='channels_first', implementation=2) @ 1x2x3x3
LocallyConnected2D(2, (3, 2), padding='same', implementation=3) @ 2?x3x4x2
LocallyConnected2D(2, 2, data_format='channels_first', implementation=3) @ 1x2x3x3
LocallyConnected2D(2, 2) @ 2x3?x4x2
MaxPooling1D() @ 2x5x2
MaxPooling1D(3, strides=1, padding='same') @ 2?x5x2
AveragePooling1D(3, strides=2) @ 2x5?x2
MaxPooling2D() @ 2x4x5x2
MaxPooling2D((2, 1), strides=1, padding='same') @ 2?x4x5x2
AveragePooling2D(2, strides=(2, 1)) @ 2x4x5x2
MaxPooling3D() @ 1x2x4x3x2
AveragePooling3D(2, strides=1, padding='same') @ 1?x2x3x3x2
GlobalMaxPooling1D() @ 2x5x2
GlobalAveragePooling1D() @ 2?x5x2
GlobalAveragePooling1D() @ 2x5x2 @ masked
GlobalAveragePooling1D(data_format='channels_first') @ 2x2x5
GlobalAveragePooling1D(data_format='channels_first') @ 2x5x5 @ masked
GlobalMaxPooling2D() @ 2x3x3x2
GlobalAveragePooling2D(data_format='channels_first') @ 2?x2x3x3
GlobalMaxPooling3D() @ 1x2x3x2x2
GlobalAveragePooling3D() @ 1?x2x3x2x2
UpSampling1D() @ 2?x3x2
UpSampling1D(3) @ 2x3?x2
UpSampling2D() @ 2?x2x3x2
UpSampling2D((3, 2), interpolation='bilinear') @ 2x2x3x2
UpSampling2D((2, 1), data_format='channels_first') @ 1x2x3?x2
UpSampling2D(2, data_format='channels_first', interpolation='bilinear') @ 1x2x3x2
UpSampling2D(interpolation='cubic') @ 2x2x2x1
UpSampling2D((2, 2, 2)) @ 2x2x2x1
UpSampling3D() @ 1?x2x1x2x2
UpSampling3D((1, 2, 3), data_format='channels_first') @ 1x2x1x2x2
ZeroPadding1D() @ 2?x3x2
ZeroPadding1D((2, 0)) @ 2x3x2
ZeroPadding2D() @ 2?x2x3x1
ZeroPadding2D((1, 2), data_format='channels_first') @ 1x2x2x2
ZeroPadding2D(((1, 0), (0, 2))) @ 1x2x2x2
ZeroPadding2D((1, 2, 3)) @ 1x2x2x2
ZeroPadding2D(1.5) @ 1x2x2x2
ZeroPadding2D(((1, 2, 3), 1)) @ 1x2x2x2
ZeroPadding3D() @ 1?x1x2x1x2
ZeroPadding3D(((1, 0), (0, 2), (1, 1))) @ 1x2x2x1x1
ZeroPadding3D(((1, 0), (0, 2), (1, 1)), data_format='channels_first') @ 1x1x2x2x1
ZeroPadding3D('ab') @ 1x1x2x2x1
ZeroPadding3D(None) @ 1x1x2x2x1
Cropping1D() @ 2?x4x2
Cropping1D((0, 2)) @ 2x4x2
Cropping1D((2, 0)) @ 2x4?x2
Cropping2D() @ 2?x3x3x1
Cropping2D(1) @ 2?x3x4x1
Cropping2D(((1, 0), (0, 2)), data_format='channels_first') @ 1x2x3x4
Cropping2D(cropping={}) @ 1x2x3x4
Cropping2D(None) @ 1x2x3x4
Cropping3D() @ 1?x3x3x3x1
Cropping3D(((1, 0), (0, 2), (1, 1)), data_format='channels_first') @ 1x2x2x3x3
Cropping3D(None) @ 1x2x2x3x3
Add() @ 2?x3 2?x3
Add() @ 2x3x4 2x4 2x1x1
Add() @ 2x3 3x3
Add() @ 2x3x4 2x3
Add() @ 2x3
Add() @ 2x3x2 2x3x2 @ masked
Subtract() @ 2?x3 2?x3
Subtract() @ 2x3 2x3 2x3
Multiply() @ 2x3 2x3 2x1
Average() @ 2?x3 2?x3 2?x3
Maximum() @ 2x3 2x3
Minimum() @ 2?x3x2 2?x2
Concatenate() @ 2?x3 2?x2
Concatenate(axis=1) @ 2x3x2 2x1x2 2x2x2
Concatenate(axis=1) @ 2x3x2 2x1x2 @ masked
Concatenate() @ 2x3 3x3
Concatenate() @ 2x3
Dot(1) @ 2?x3 2?x3
Dot(axes=(2, 1)) @ 2x3x4 2x4x2
Dot(-1, normalize=True) @ 2x3x4 2x2x4
Dot(1) @ 2x3x4 2x3
Dot(axes=[1, 2], normalize=True) @ 2x3 2x4x3
Dot(1) @ 2x3 2x4
Dot(1) @ 2x3 2x3 2x3
Dot('1') @ 2x3 2x3
Dot((1, 2, 3)) @ 2x3 2x3
Dot((1, 2.0)) @ 2x3 2x3
Attention() @ 2x3x2 2x4x2
Attention(use_scale=True) @ 2?x3x2 2?x4x2 2?x4x2
Attention(causal=True) @ 2x3x2 2x3x2
Attention(causal=True, dtype='float32') @ 2?x3x2 2?x4x2 @ masked
Attention() @ 2x3x2
Attention() @ 2x3x2 2x3x2 2x3x2 2x3x2
AdditiveAttention() @ 2?x3x2 2?x4x2
AdditiveAttention(use_scale=False) @ 2x3x2 2x4x2
AdditiveAttention(causal=True) @ 2x3x2 2x3x2 @ masked
Lambda(lambda x: x ** 2) @ 2?x3
Lambda(lambda x, factor: x * factor, arguments={'factor': 3.0}) @ 2x3
Lambda(lambda x: x[:, :2], output_shape=(2,)) @ 2?x3
Lambda(lambda x: x[0] * x[1], output_shape=lambda s: s[0]) @ 2x3 2x3
Lambda(lambda x, mask: x * tf.cast(mask, 'float32')[:, :, None]) @ 2x3x2 @ masked
Lambda(lambda x, training: x * 2 if training else x) @ 2x3 @ training=True
Lambda(lambda x: x * tf.Variable([1.0, 2.0, 3.0], name='v')) @ 2x3
Lambda(lambda x: x + 1, mask=lambda x, mask: mask) @ 2x3x2 @ masked
TimeDistributed(Dense(3)) @ 2?x3x4
TimeDistributed(Dense(3, activity_regularizer='l2'), name='td') @ 2x3?x4
TimeDistributed(Conv2D(2, 2)) @ 2?x3x4x4x1
TimeDistributed(BatchNormalization(trainable=False)) @ 2x3x4 @ training=True
TimeDistributed(BatchNormalization()) @ 2?x3x4 @ training=True
TimeDistributed(TimeDistributed(Dense(2))) @ 2?x2x3x2
TimeDistributed(Flatten()) @ 2?x3x2x2
TimeDistributed(Dense(3)) @ 2?x3x4 @ masked
TimeDistributed(Masking()) @ 2?x3x2x2 @ masked
TimeDistributed(Dense(3)) @ 2x3
TimeDistributed(3) @ 2x3
InputLayer(input_shape=(3,), batch_size=2) @
"""

CASES = [line for line in CASES.strip().splitlines() if line.strip()]
